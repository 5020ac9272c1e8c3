# Versions and sequences: whole numbers that are compared as such (FACTS: key = major*1e6 + minor*1e3 + patch; svn and
# sequences only grow). Every comparison is undefined on anything else, so that a malformed version is neither old
# enough nor new enough for anything.
package sallyport.lib.version

whole(number) if {
	is_number(number)
	number >= 0
	number == floor(number)
}

at_least(version, least) if {
	whole(version)
	whole(least)
	version >= least
}

# Strictly later: of an upgrade, of the next number of a sequence.
# sallyport:ignore unreachable-rule for policies of one's own; ours ask for a least version
after(version, last) if {
	whole(version)
	whole(last)
	version > last
}

# Not among those that are refused. What is no list clears nothing.
clear_of(version, refused) if {
	whole(version)
	is_array(refused)
	not version in refused
}

# The key of `major.minor.patch`: plain decimals without leading zeros, minor and patch below a thousand.
# sallyport:ignore unreachable-rule for policies of one's own; the registry's records hold keys
key(text) := ((parts[0] * 1000000) + (parts[1] * 1000)) + parts[2] if {
	is_string(text)
	regex.match(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$`, text)
	parts := [to_number(part) | some part in split(text, ".")]
}
