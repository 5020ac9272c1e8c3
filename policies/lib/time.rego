# Time, the only place that reads `input.now` (DESIGN, "Time by cuts"): a decision may depend on the clock only
# through the comparisons below, each of which is a cut that `sallyport/cuts` lists. Integers, seconds.
# Adding before comparing is deliberate: `+` and `-` are undefined on anything but numbers, so a mistyped or
# absent time is neither reached nor ahead.
package sallyport.lib.time

# The clock has come to `fact + offset`: a cut at `offset` on `fact`.
reached(fact, offset) if input.now >= fact + offset

# `fact + offset` is still ahead: the same cut, seen from the other side.
before(fact, offset) if input.now < fact + offset

# How far the registry is behind. `lag <= n` is a cut at n + 1.
lag := input.now - input.registry.watermark

# How old a message says it is; undefined where none is said (message time is then server time).
age := input.now - input.request.occurred_at

# How far the device's clock is behind ours; undefined where the device reported none.
skew := input.now - input.request.device_time
