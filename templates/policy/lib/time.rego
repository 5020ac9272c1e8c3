# The only place that reads the clock: a decision depends on it through these comparisons, which the cuts list.
package sallyport.lib.time

# `fact` is still ahead: a cut at 0.
ahead(fact) if {
	is_number(fact)
	input.now < fact
}

# `fact + offset` is still ahead: a cut at `offset`. Undefined where the fact is absent or null.
before(fact, offset) if input.now < fact + offset

# How far the registry is behind.
lag := input.now - input.registry.watermark
