# One reason, the rest as findings (FACTS, rule 3): codes in the order of the site's gates, absences told as staleness
# while the registry is behind (rule 6), allow reasons by how much they tell. Sets of codes in, ordered lists out.
package sallyport.lib.reasons

import data.sallyport.lib.facts

# Codes of the first gates blind the later ones where the subject cannot be judged.
blinding(codes) if {
	some code in data.site.blinding
	code in codes
}

# Codes in gate order, each once. A code without a place in the order is in none: `verdict` then denies without it.
ordered(codes) := [told(code) |
	some code in data.site.gate_order
	code in codes
	not repeated(code, codes)
]

told(code) := "facts_stale" if stale_absence(code)

else := code

stale_absence(code) if {
	code in data.site.absences
	not facts.fresh
}

# `facts_stale` and every absence but the first are one code once told.
repeated(code, codes) if {
	told(code) == "facts_stale"
	earlier := [other |
		some other in array.concat(data.site.absences, ["facts_stale"])
		other in codes
		told(other) == "facts_stale"
	]
	code != earlier[0]
}

# The reason of a denial; undefined where nothing is wrong.
first(codes) := ordered(codes)[0]

# What else was found.
others(codes, reason) := [code | some code in ordered(codes); code != reason]

# The allow reason: the most telling note, or `ok`.
allowing(notes) := array.concat(noted(notes), ["ok"])[0]

# Notes, most telling first.
noted(notes) := [note | some note in data.site.allow_order; note in notes]
