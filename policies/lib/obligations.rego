# What an answer obliges to. Answers are cached, so obligations are constants and absolute times; the host makes seconds
# of them (docs/policy-contract.md).
package sallyport.lib.obligations

# The constants that a denial with this reason carries (data.site.on_deny).
of_denial(reason) := data.site.on_deny[reason] if data.site.on_deny[reason]

else := {}

# When a denial that passes may be asked again.
retry("credential_not_yet_valid") := {"retry_at": input.credential.not_before}

retry("tenant_quota_exceeded") := {"retry_after_s": input.tenant.admission.retry_after_s}

retry("admission_shed") := {"retry_after_s": input.tenant.admission.retry_after_s}

retry(reason) := {} if not reason in {"credential_not_yet_valid", "tenant_quota_exceeded", "admission_shed"}

# A session of at most the least of `caps` seconds that never outlives the first of `ends` (FACTS, rule 7).
session(caps, ends) := {"max_s": min(caps), "until": min(ends)} if count(ends) > 0

else := {"max_s": min(caps)}

# The stricter of two: what both demand, and of numbers with one name the lesser.
# sallyport:ignore unreachable-rule for policies of one's own; ours never demand one thing twice
stricter(left, right) := object.union(object.union(left, right), {name: least |
	some name, value in left
	is_number(value)
	is_number(right[name])
	least := min([value, right[name]])
})
