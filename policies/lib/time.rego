# Time, the only place that reads `input.now` (DESIGN, "Time by cuts"): a decision may depend on the clock only
# through the comparisons below, each of which is a cut that `sallyport/cuts` lists. Integers, seconds.
# An absent or mistyped time is neither reached nor ahead: `+` and `-` are undefined on anything but numbers, and
# where nothing is added (arithmetic costs four comparisons in Wasm) the type is asked.
package sallyport.lib.time

# The clock has come to `fact + offset`: a cut at `offset` on `fact`.
reached(fact, offset) if input.now >= fact + offset

# `fact + offset` is still ahead: the same cut, seen from the other side.
before(fact, offset) if input.now < fact + offset

# The same at offset 0.
passed(fact) if {
	is_number(fact)
	input.now >= fact
}

ahead(fact) if {
	is_number(fact)
	input.now < fact
}

# How far the registry is behind. `lag <= n` is a cut at n + 1.
lag := input.now - input.registry.watermark

# How old a message says it is; undefined where none is said (message time is then server time).
age := input.now - input.request.occurred_at

# How far the device's clock is behind ours; undefined where the device reported none.
skew := input.now - input.request.device_time

# Seconds into the day at an offset from UTC: a daily cut on what it is compared with.
of_day(offset) := (input.now + offset) % 86400

# The next moment at which the day is `second` old there, now included.
next(second, offset) := input.now + (((second - of_day(offset)) + 86400) % 86400)
