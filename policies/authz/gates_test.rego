# The straight paths say nothing that the codes do not: a conjunction holds only where no code of its gate stands.
package sallyport.authz.gates_test

import data.sallyport

test_an_empty_question_is_denied if {
	every answer in [sallyport.connect, sallyport.publish, sallyport.subscribe, sallyport.command] {
		answer.allow == false
	} with input as {}
}

test_nothing_is_granted_to_nobody if {
	sallyport.grants.grants == [] with input as {}
}

test_cuts_need_no_input if {
	count(sallyport.cuts) == count(data.site.profiles) + 1
}
