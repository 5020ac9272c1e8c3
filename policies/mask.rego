# OPA's decision-log mask: what never reaches a sink. Facts hold no secret today; should a token, a password or a
# shared secret ever be passed in, it is removed. Evidence (who, what, which reason) stays.
package system.log

mask contains pointer if {
	some pointer in data.site.log_mask
}
