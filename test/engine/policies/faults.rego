# Provokes what an engine must contain; see test/engine/faults.test.ts.
package faults

echo := input

topic := input.request.topic

absent := input.no.such.fact

conflict := 1 if input.a

conflict := 2 if input.b

hog := count([[i, i] | some i in numbers.range(1, input.n)])

sum := input.n + 1

formatted := sprintf(input.format, input.values)

undefined_or_default := object.get({"x": y | y := strings.count(input.text, "a")}, "x", "default")

sets := {"tags": {tag | some tag in input.tags}, "empty": {x | some x in input.none}}
