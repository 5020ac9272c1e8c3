# Every decision row on the sources themselves. `data.tables` is written by `test/policies/run-rego-tests.ts`: inputs as
# the host projects them, and what each row expects, obligations as the host renders them.
package rows_test

import data.sallyport
import data.sallyport.authz.publish

ask("connect") := sallyport.connect

ask("publish") := sallyport.publish

ask("subscribe") := sallyport.subscribe

ask("command") := sallyport.command

ask("ota") := sallyport.ota

ask("consume") := sallyport.consume

answer(row) := result if {
	asked := row.input
	result := ask(row.kind) with input as asked
}

# --- what the host renders ---------------------------------------------------------------------------------------
render("session", session, now) := ["session_ttl_s", min([session.max_s, session.until - now])] if session.until

else := ["session_ttl_s", session.max_s]

render("reattest_within_s", seconds, now) := ["reattest_by", now + seconds]

render("rotate_within_s", seconds, now) := ["rotate_credential_by", now + seconds]

render("review_within_s", seconds, now) := ["review_by", now + seconds]

render("retry_at", at, now) := ["retry_after_s", at - now]

constant(name) if not name in {"session", "reattest_within_s", "rotate_within_s", "review_within_s", "retry_at"}

rendered(obligations, now) := {pair[0]: pair[1] |
	some name, value in obligations
	pair := told(name, value, now)
}

told(name, value, _) := [name, value] if constant(name)

told(name, value, now) := render(name, value, now) if not constant(name)

# --- a row holds -------------------------------------------------------------------------------------------------
holds(row) if {
	result := answer(row)
	result.allow == row.expect.allow
	result.reason == row.expect.reason
	duties := rendered(result.obligations, row.input.now)
	every name, value in row.expect.obligations {
		duties[name] == value
	}
	every name in row.expect.absent {
		not name in object.keys(duties)
	}
	as_found(row, result)
}

as_found(row, _) if not row.expect.findings

as_found(row, result) if row.expect.findings == result.findings

test_rows_are_there if {
	count(data.tables.rows) > 200
	count({"connect", "publish", "subscribe", "command", "ota", "consume"} - {row.kind | some row in data.tables.rows}) == 0
}

test_every_row_holds if {
	every row in data.tables.rows {
		holds(row)
	}
}

# --- the list of grants says what single checks say --------------------------------------------------------------
covered(list, action, topic, qos, retain) if {
	some grant in list
	grant.action == action
	grant.effect == "allow"
	startswith(concat("", [topic, "/"]), trim_suffix(grant.filter, "#"))
	qos <= grant.max_qos
	permitted(grant, retain)
}

permitted(_, false)

permitted(grant, true) if grant.retain

listed(row) := list if {
	asked := row.grants
	list := sallyport.grants with input as asked
}

agrees(row) if {
	list := listed(row).grants
	single := answer(row).allow
	single == told_by_list(list, row)
}

told_by_list(list, row) if {
	row.kind == "publish"
	covered(list, "publish", row.input.request.topic, row.input.request.qos, row.input.request.retain)
} else if {
	row.kind == "subscribe"
	covered(list, "subscribe", row.input.request.filter, 0, false)
} else := false

# Rows about the age of a message or malformed names are not a grant's business.
comparable contains i if {
	some i, row in data.tables.rows
	row.grants
	row.kind in {"publish", "subscribe"}
	row.comparable
}

test_grants_and_checks_agree if {
	count(comparable) > 100
	every i in comparable {
		agrees(data.tables.rows[i])
	}
}

# Beside the list stands the session that connect gives, but for the claim that it spends.
test_grants_carry_the_session if {
	sessions := [row | some row in data.tables.rows; row.kind == "connect"; row.grants; row.input.request.will == null]
	count(sessions) > 50
	every row in sessions {
		session := answer(row)
		list := listed(row)
		spent(session.reason, session.allow, list.allow)
		kept := object.remove(session.obligations, ["consume_claim"])
		same_duties(session.reason, kept, list.obligations)
	}
}

spent("claim_spent", _, true)

spent(reason, allow, allow) if reason != "claim_spent"

same_duties("claim_spent", _, _)

same_duties(reason, duties, duties) if reason != "claim_spent"

# --- the clock's cuts are those that are written down -------------------------------------------------------------
test_cuts_are_as_written if sallyport.cuts == data.tables.cuts

# --- what is healthy takes the straight path, and it says what the explained one says -----------------------------
straight(row) if {
	asked := row.input
	publish.straight with input as asked
}

explained(row) := result if {
	asked := row.input
	result := publish.explained with input as asked
}

test_healthy_publishes_go_straight if {
	plain := [row | some row in data.tables.plain]
	count(plain) > 20
	every row in plain {
		straight(row)
	}
}

test_straight_and_explained_agree if {
	every row in [row | some row in data.tables.rows; row.kind == "publish"] {
		answer(row) == explained(row)
	}
}

# --- the mask hides what the site lists -----------------------------------------------------------------------------
test_mask if data.system.log.mask == {pointer | some pointer in data.site.log_mask}
