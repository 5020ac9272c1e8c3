# command: may this actor send this command to this device (FACTS, gate order: command scope, role, mfa, duty;
# approvals). The device presents nothing here: the target's own record speaks.
package sallyport.authz.command

import data.sallyport.authz.actor
import data.sallyport.authz.attestation
import data.sallyport.authz.lifecycle
import data.sallyport.authz.load
import data.sallyport.authz.posture
import data.sallyport.authz.signals
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons
import data.sallyport.profiles.safety_segmented

decision := verdict.denial(codes, told) if count(codes) > 0

else := verdict.allowance(findings, notes, obligations) if {
	codes == set()
}

else := verdict.unjudged

# A subject that cannot be judged has no posture.
told := set() if reasons.blinding(early)

else := findings

codes := early if reasons.blinding(early)

else := union({
	early,
	actor.failing,
	actor.approval_failing,
	failing,
	posture.exceeding(findings, tolerated),
	stale,
})

early := (subject.target_failing | malformed) | actor.missing

malformed contains "bad_request" if not addressed

addressed if is_string(input.request.command)

findings := posture.findings(true) if attestation.required

else := posture.findings(false)

# Containment and evidence always get through; break-glass reaches a degraded device.
tolerated := data.site.tolerates.recovery_command if actor.recovery

else := data.site.tolerates.break_glass if {
	actor.breaking_glass
}

else := level if {
	level := data.site.tolerates.command[actor.risk]
}

else := 0

stale := load.sensitive_stale if actor.risk in data.site.high_sensitivity.command

else := load.stale

failing contains lifecycle.denial if not deliverable

failing contains "facts_invalid" if not lifecycle.state

failing contains "zone_not_allowed" if not safety_segmented.commandable

failing contains "commands_disabled" if {
	signals.disables_commands
	not actor.recovery
}

deliverable if lifecycle.state == "active"

deliverable if input.request.command in lifecycle.channel.commands

# A state that is left by command: on evidence later than the loss of trust.
deliverable if {
	input.request.command in lifecycle.channel.exits
	lifecycle.cleared
}

notes contains "ok_break_glass" if actor.breaking_glass

notes contains "ok_recovery_command" if lifecycle.state != "active"

notes contains "ok_degraded" if count(findings) > 0

notes contains "ok_stale_facts" if not facts.fresh

notes contains "ok_exception" if {
	not posture.compliant
	posture.waived
}

obligations["command_ttl_s"] := data.site.command_ttl_s

obligations["audit"] := "full" if audited

obligations["review_within_s"] := data.site.break_glass.review_s if actor.breaking_glass

audited if actor.risk in data.site.audited_risks

audited if actor.breaking_glass

audited if facts.profile.audit == "full"

audited if lifecycle.channel.audit == "full"
