# The moment: the maintenance window in the device's own time zone, power, idleness, other updates, attempts left.
package sallyport.updates

import data.sallyport.lib.time

readiness contains "ota_outside_window" if {
	not urgent
	not in_window
}

readiness contains "ota_device_not_ready" if not ready

readiness contains "ota_in_progress" if not unoccupied

readiness contains "ota_attempts_exhausted" if not attempts_left

window := input.rollout.window

local := time.of_day(input.device.ota.tz_offset_s)

in_window if window == null

in_window if {
	window.to - window.from > 0
	local - window.from >= 0
	window.to - local > 0
}

# Across midnight.
in_window if {
	window.to - window.from < 0
	local - window.from >= 0
}

in_window if {
	window.to - window.from < 0
	window.to - local > 0
}

window_opens_at := time.next(window.from, input.device.ota.tz_offset_s)

ready if {
	input.device.ota.idle == true
	powered
}

powered if input.device.ota.mains == true

powered if input.device.ota.battery_pct - input.release.min_battery_pct >= 0

unoccupied if input.device.ota.in_progress == ""

unoccupied if input.device.ota.in_progress == input.release.id

attempts_left if {
	is_string(input.device.ota.last_release)
	is_string(input.release.id)
	input.device.ota.last_release != input.release.id
}

attempts_left if input.rollout.max_attempts - input.device.ota.attempts > 0
