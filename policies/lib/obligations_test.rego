package sallyport.lib.obligations_test

import data.sallyport.lib.obligations

test_constants_of_a_denial if {
	obligations.of_denial("facts_stale").retry_after_s > 0
	obligations.of_denial("ok") == {}
}

test_retries if {
	obligations.retry("credential_not_yet_valid") == {"retry_at": 7} with input as {"credential": {"not_before": 7}}
	tenant := {"tenant": {"admission": {"retry_after_s": 45}}}
	obligations.retry("tenant_quota_exceeded") == {"retry_after_s": 45} with input as tenant
	obligations.retry("admission_shed") == {"retry_after_s": 45} with input as tenant
	obligations.retry("facts_stale") == {}
}

test_a_session_is_bounded_by_the_least if {
	obligations.session({900, 300}, {5000, 4000}) == {"max_s": 300, "until": 4000}
	obligations.session({900}, set()) == {"max_s": 900}
}

test_the_stricter_of_two if {
	obligations.stricter({"recheck_after_s": 30, "max_qos": 1}, {"recheck_after_s": 60, "audit": "full"}) == {"recheck_after_s": 30, "max_qos": 1, "audit": "full"}
	obligations.stricter({"recheck_after_s": 60}, {"recheck_after_s": 30}) == {"recheck_after_s": 30}
	obligations.stricter({}, {}) == {}
}
