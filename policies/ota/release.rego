# The release and its rollout: provenance first, then whether it runs, then whether it is meant for this device.
package sallyport.updates

import data.sallyport.lib.facts
import data.sallyport.lib.time

provenance contains "ota_manifest_unverified" if {
	offered
	not verified
}

provenance contains "ota_threshold_unmet" if {
	offered
	not signed
}

provenance contains "ota_manifest_expired" if {
	offered
	not unexpired
}

provenance contains "ota_release_superseded" if {
	offered
	not latest
}

provenance contains "ota_not_approved" if {
	offered
	not approved
}

verified if input.release.manifest.verified == true

# Distinct signers; nobody signs twice.
signed if {
	count(distinct(input.release.signed_by)) - input.release.manifest.threshold >= 0
	input.release.manifest.threshold > 0
}

unexpired if time.ahead(input.release.manifest.expires_at)

latest if input.release.superseded == false

approved if count(distinct(input.release.approved_by)) - input.release.approvals_required >= 0

distinct(names) := {name |
	some name in names
	is_string(name)
	name != ""
}

rollout_state contains "ota_rollout_aborted" if not unaborted

rollout_state contains "ota_rollout_paused" if not unpaused

rollout_state contains "ota_rollout_not_running" if not running

unaborted if input.rollout.state in {"draft", "running", "paused", "completed"}

unpaused if input.rollout.state in {"draft", "running", "aborted", "completed"}

# A paused or aborted rollout has a code of its own.
running if input.rollout.state in {"running", "paused", "aborted"}

targeting contains "ota_not_targeted" if not targeted

targeting contains "ota_tenant_hold" if not tenant_willing

targeting contains "ota_owner_approval_missing" if not owner_agrees

targeting contains "ota_region_hold" if not region_open

targeted if {
	input.device.class in input.release.classes
	input.device.hw_rev in input.release.hw_revs
	tenant_meant
}

tenant_meant if input.release.tenants == []

tenant_meant if input.device.tenant in input.release.tenants

tenant_willing if input.tenant.ota_hold == false

owner_agrees if facts.profile.owner_approval == false

# `NAME` speaks for every device of the rollout, `TENANT/NAME` for that tenant's.
owner_agrees if {
	some approval in input.rollout.owner_approvals
	speaks_for(approval, input.device.tenant)
}

speaks_for(approval, _) if {
	approval != ""
	not contains(approval, "/")
}

speaks_for(approval, tenant) if startswith(approval, concat("", [tenant, "/"]))

region_open if {
	is_array(input.rollout.held_regions)
	is_string(input.device.home_region)
	not input.device.home_region in input.rollout.held_regions
}
