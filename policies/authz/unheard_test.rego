# What may be gone on with while no node is reached: what the site grants, of fresh facts, and nothing sensitive.
package sallyport.authz.unheard_test

import data.sallyport.authz.publish
import data.sallyport.authz.streams
import data.sallyport.authz.subscribe

granted := {"publish": 60, "subscribe": 30}

test_what_the_site_grants if {
	streams.unheard("publish", "ops") == {"fail_static_s": 60} with data.site.fail_static_s as granted
		with data.sallyport.lib.facts.fresh as true
	streams.unheard("subscribe", "cmd") == {"fail_static_s": 30} with data.site.fail_static_s as granted
		with data.sallyport.lib.facts.fresh as true
}

test_nothing_sensitive if {
	every action, stream in {"publish": "hv", "subscribe": "ctl"} {
		streams.unheard(action, stream) == {} with data.site.fail_static_s as granted
			with data.sallyport.lib.facts.fresh as true
	}
}

test_nothing_where_the_site_does_not_say_what_is_sensitive if {
	streams.unheard("publish", "ops") == {} with data.site.fail_static_s as granted
		with data.site.high_sensitivity as {}
		with data.sallyport.lib.facts.fresh as true
}

test_nothing_of_stale_facts if {
	streams.unheard("publish", "ops") == {} with data.site.fail_static_s as granted with input as {}
}

test_nothing_by_default if {
	every action in ["publish", "subscribe"] {
		streams.unheard(action, "ops") == {} with data.sallyport.lib.facts.fresh as true
	}
}

test_answers_say_so if {
	publish.plain_duties.fail_static_s == 60 with data.site.fail_static_s as granted
		with data.sallyport.lib.facts.fresh as true
		with data.sallyport.lib.facts.profile as data.site.profiles.device_pki
		with data.sallyport.authz.publish.stream as "ops"
	subscribe.obligations.fail_static_s == 30 with data.site.fail_static_s as granted
		with data.sallyport.lib.facts.fresh as true
		with data.sallyport.lib.facts.profile as data.site.profiles.device_pki
		with data.sallyport.authz.subscribe.stream as "cmd"
		with data.sallyport.authz.answer.duties as {}
}
