# Exercises the language against `opa eval`; see test/engine/differential.test.ts.
package language

import data.site

# What OPA's own Wasm runtime answers differently from `opa eval` is left out here, as no host can mend
# it: division by zero aborts, json.marshal and comprehensions over objects and sets have no order,
# floor and ceil differ between -1 and 0, text in sprintf for a verb that does not fit aborts.
#
# Input: {text, words, numbers, tree, table, who}, any of them absent or of another type.

result.upper := upper(input.text)

result.trimmed := trim_space(input.text)

result.parts := split(input.text, "/")

result.contains := contains(input.text, "a")

result.replaced := replace(input.text, "a", "bb")

result.sub := substring(input.text, 1, 2)

result.index := indexof(input.text, "/")

result.count := count(input.text)

result.prefix := strings.any_prefix_match(input.text, input.words)

result.suffix := strings.any_suffix_match(input.words, {"a", "/", "é"})

result.parted := strings.count(input.text, "a")

result.joined := concat("+", input.words)

result.sorted := sort(input.words)

result.set := {word | some word in input.words}

result.nested := {{word, count(input.words)} | some word in input.words}

result.lengths := {word: count(word) | some word in input.words}

result.by_length[count(word)] contains word if some word in input.words

result.pairs := [[i, word] | some i, word in input.words; i % 2 == 0]

result.sum := sum(input.numbers)

result.max := max(input.numbers)

result.mean := sum(input.numbers) / count(input.numbers) if count(input.numbers) > 0

result.remainder := [y | some x in input.numbers; y := x % 7] if is_array(input.numbers)

result.rounded := [[round(x), ceil(x), floor(x), abs(x)] | some x in input.numbers] if is_array(input.numbers)

result.small := {x | some x in input.numbers; x < 3; x >= -3}

result.mixed := {x | some xs in [input.words, input.numbers, [null, true, [], {}, set()]]; some x in xs}

result.union := {1, 2} | {x | some x in input.numbers}

result.minus := {x | some x in input.numbers} - {1, 2}

result.every if {
	every x in input.numbers {
		x > 0
	}
}

result.member if "a" in input.words

result.stranger if not input.who in {"alice", "bob"}

result.walked := {[path, value] | walk(input.tree, [path, value]); not is_object(value)}

result.keys := object.keys(input.table)

result.merged := object.union(input.table, {"z": {"y": 1}})

result.without := object.remove(input.table, ["a", "b"])

result.got := object.get(input.table, ["a", "b"], "none")

result.types := {type_name(value) | some value in input.table}

result.swapped[value] contains name if {
	some name, value in input.table
	is_number(value)
}

result.shown := sprintf("%s|%v|%5s|%-5s|%%", [input.text, input.tree, input.who, input.who]) if {
	is_string(input.text)
	is_string(input.who)
}

result.counted := [sprintf("%d %05d %v", [x, x, x]) | some x in input.numbers; x == floor(x)] if is_array(input.numbers)

result.floated := [sprintf("%v %.2f", [x, x]) | some x in input.numbers; x != floor(x)] if is_array(input.numbers)

result.based := base64.encode(input.text)

result.rank := rank

result.greeting := greeting(input.who)

result.site := site.greetings[input.who]

default rank := "none"

rank := "root" if {
	input.who == "alice"
} else := "user" if {
	input.who == "bob"
} else := sprintf("guest of %d", [count(site.greetings)]) if {
	is_string(input.who)
	startswith(input.who, "g")
}

greeting(who) := sprintf("hello %s", [who]) if {
	is_string(who)
} else := "hello nobody"

# Defined only for some inputs, and a bare scalar where it is.
first := input.words[0]

allow if {
	input.who == "alice"
	some word in input.words
	startswith(word, "a")
	not blocked
}

blocked if input.numbers[_] > 100

echo := input
