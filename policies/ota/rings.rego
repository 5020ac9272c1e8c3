# Rings: internal, canary, regional, broad. A ring is offered the release once every ring before it is healthy, well
# sampled and baked, the ring is open, and the share of the ring includes the device's bucket. Gates are judged from
# raw numbers, so that a bad one stops the next question by itself; no data is not health (FACTS, "OTA").
package sallyport.updates

import data.sallyport.lib.time

ring := input.device.ota.ring

gates := input.rollout.gates

rings contains "ota_gate_failed" if not healthy

rings contains code if {
	not urgent
	some code in pacing
}

pacing contains "ota_gate_insufficient_data" if not sampled

pacing contains "ota_gate_baking" if not baked

pacing contains "ota_ring_not_open" if not open

pacing contains "ota_bucket_not_reached" if not reached

earlier := [each |
	some i, each in input.rollout.rings
	i - ring < 0
]

own := input.rollout.rings[ring]

# This ring and the ones before it.
looked_at := array.concat(earlier, [each |
	some each in [own]
])

healthy if {
	placed
	count([each | some each in looked_at; passes(each)]) == count(looked_at)
}

placed if {
	is_array(input.rollout.rings)
	is_number(ring)
}

# Too few samples say nothing; with enough of them every number must be there and good.
passes(each) if each.health.samples - gates.min_samples < 0

passes(each) if sound(each)

sound(each) if {
	each.health.samples - gates.min_samples >= 0
	each.health.crash_free_ppm - gates.min_crash_free_ppm >= 0
	each.health.boot_ok_ppm - gates.min_boot_ok_ppm >= 0
	each.health.telemetry_ppm - gates.min_telemetry_ppm >= 0
	gates.max_command_p95_ms - each.health.command_p95_ms >= 0
	gates.max_failed_ppm - each.health.failed_ppm >= 0
}

sampled if {
	placed
	count([each | some each in earlier; enough(each)]) == count(earlier)
}

enough(each) if {
	each.health.samples - gates.min_samples >= 0
	each.health.samples > 0
}

baked if {
	placed
	count([each | some each in earlier; rested(each)]) == count(earlier)
}

# 0 is "never opened".
rested(each) if {
	each.opened_at > 0
	time.reached(each.opened_at, gates.bake_s)
}

baked_at := max([at |
	some each in earlier
	at := each.opened_at + gates.bake_s
])

open if {
	input.rollout.current_ring - ring >= 0
	own.opened_at > 0
	time.passed(own.opened_at)
}

opens_at := own.opened_at

reached if own.percent_bp - input.device.ota.bucket > 0

time_ahead(at) if time.ahead(at)
