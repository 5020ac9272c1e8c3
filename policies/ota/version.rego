# What runs against what is offered: never an unknown version, never backwards unless a rollback was authorised from
# exactly this version, never below the security counter (INV-14). Subtraction is undefined on anything but numbers,
# so an absent fact passes none of these.
package sallyport.updates

firmware := input.device.firmware

version_known if {
	is_number(firmware.key)
	is_number(firmware.svn)
}

version contains "firmware_unknown" if not version_known

version contains code if {
	version_known
	some code in misfits
}

misfits contains "ota_already_current" if not other_version

misfits contains "ota_downgrade_blocked" if not forward

misfits contains "ota_security_version_too_low" if not secure

misfits contains "ota_rollback_not_authorized" if not rollback_authorized

misfits contains "ota_precursor_unmet" if not direct

misfits contains "ota_dependency_unmet" if not dependencies_met

misfits contains "ota_conflict" if not unconflicted

other_version if input.release.key - firmware.key > 0

other_version if input.release.key - firmware.key < 0

forward if kind == "rollback"

forward if input.release.key - firmware.key >= 0

secure if input.release.svn - firmware.svn >= 0

rollback_authorized if kind in {"feature", "security", "remediation", "decommission"}

rollback_authorized if firmware.key in input.rollout.rollback_from

direct if firmware.key - input.release.requires_min_key >= 0

dependencies_met if {
	is_object(input.release.depends)
	count(met) == count(input.release.depends)
}

met contains component if {
	some component, least in input.release.depends
	firmware.components[component] - least >= 0
}

# A component that the release conflicts with must be reported; key 0 is "not fitted".
unconflicted if {
	is_object(input.release.conflicts)
	count(clear) == count(input.release.conflicts)
}

clear contains component if {
	some component, bad in input.release.conflicts
	abs(firmware.components[component] - bad) > 0
}
