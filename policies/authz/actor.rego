# Who sends a command, in which role, with whose approval or under which break-glass (FACTS, rule 8: all of it
# from records and verified tokens; the host has bound approvals and break-glass to actor, target and command).
package sallyport.authz.actor

import data.sallyport.lib.facts
import data.sallyport.lib.time
import data.sallyport.profiles.shared_credential

missing contains "actor_missing" if not present

present if {
	is_object(input.actor)
	is_string(input.actor.id)
	input.actor.id != ""
}

# Risk of the command for this class; undefined where the class does not have it.
risk := class_risk if class_risk := facts.class.commands[input.request.command]

else := data.site.common_commands[input.request.command]

recovery if input.request.command in data.site.recovery_commands

# Scope: the device's own tenant, or the platform's support while that tenant consents.
in_scope if input.actor.tenant == input.device.tenant

in_scope if {
	input.actor.tenant == "*"
	data.site.support_role in input.actor.roles
	time.ahead(input.tenant.support_access_until)
}

available if {
	is_string(risk)
	shared_credential.commanded
}

holds_role if data.site.command_roles[risk] in input.actor.roles

# Break-glass may stand in for a role: that of another risk is enough then.
holds_role if {
	breaking_glass
	data.site.command_roles[data.site.break_glass.stands_in[risk]] in input.actor.roles
}

# A person's second factor; a service has none and needs a person's approval instead.
authenticated if not risk in data.site.mfa_risks

authenticated if input.actor.mfa == true

authenticated if input.actor.type == "service"

dutiful if {
	is_array(input.actor.roles)
	held := {role | some role in input.actor.roles}
	toxic := [i | some i, roles in data.site.toxic_role_sets; count({role | some role in roles} - held) == 0]
	count(toxic) == 0
}

failing contains "tenant_mismatch" if not in_scope

failing contains "command_not_allowed" if not available

failing contains "role_missing" if {
	available
	not holds_role
}

failing contains "mfa_required" if {
	available
	not authenticated
}

failing contains "duty_conflict" if not dutiful

# --- break-glass: declared, entitled, well formed, running -------------------------------------------------------
undeclared if input.break_glass == null

declared if not undeclared

entitled if {
	data.site.break_glass.role in input.actor.roles
	risk in data.site.break_glass.risks
}

well_formed if {
	input.actor.type == "human"
	is_string(input.break_glass.ticket)
	input.break_glass.ticket != ""
	input.break_glass.expires_at - input.break_glass.started_at <= data.site.break_glass.max_s
	time.passed(input.break_glass.started_at)
}

running if time.ahead(input.break_glass.expires_at)

breaking_glass if {
	declared
	entitled
	well_formed
	running
}

# --- approvals: distinct persons with the role, none of them the actor, all unexpired ---------------------------
needed := max([facts.profile.command_approvals[risk], data.site.service_approvals[risk]]) if input.actor.type == "service"

else := facts.profile.command_approvals[risk]

competent contains approval if {
	some approval in input.approvals
	data.site.approver_roles[risk] in approval.roles
}

approvers := {approval.by |
	some approval in competent
	is_string(approval.by)
	approval.by != input.actor.id
	time.ahead(approval.expires_at)
}

unexpired(approval) if time.ahead(approval.expires_at)

approved if count(approvers) - needed >= 0

approved if breaking_glass

self_approved if {
	some approval in competent
	approval.by == input.actor.id
}

expired if {
	some approval in competent
	approval.by != input.actor.id
	not unexpired(approval)
}

approval_failing contains "break_glass_not_permitted" if {
	declared
	not entitled
}

approval_failing contains "break_glass_invalid" if {
	declared
	not well_formed
}

approval_failing contains "break_glass_expired" if {
	declared
	not running
}

# An unknown command has no approvals to ask for.
approval_failing contains approval_code if {
	available
	not approved
}

approval_code := "approval_self" if self_approved

else := "approval_expired" if {
	expired
}

else := "approval_missing"
