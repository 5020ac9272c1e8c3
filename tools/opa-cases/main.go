// Command opa-cases compiles OPA's own conformance cases, as they lie in the Go module cache, to Wasm:
// one compressed module per case and an index, for `npm run conformance`.
package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/types"
)

// compiled is one line of the index: the case, and its module or why there is none.
type compiled struct {
	Area  string         `json:"area"`
	Case  cases.TestCase `json:"case"`
	Wasm  string         `json:"wasm,omitempty"`
	Error string         `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: opa-cases CASES OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	// OPA's own tests have it as well.
	rego.RegisterBuiltin1(&rego.Function{
		Name: "test.sleep",
		Decl: types.NewFunction(types.Args(types.S), types.NewNull()),
	}, func(rego.BuiltinContext, *ast.Term) (*ast.Term, error) { return ast.NullTerm(), nil })
	set, err := cases.Load(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	sorted := set.Sorted().Cases
	lines := make([]compiled, len(sorted))
	next := make(chan int)
	var wait sync.WaitGroup
	for range runtime.NumCPU() {
		wait.Go(func() {
			for index := range next {
				lines[index] = compile(sorted[index], to)
			}
		})
	}
	for index := range sorted {
		next <- index
	}
	close(next)
	wait.Wait()
	index, err := os.Create(filepath.Join(to, "index.ndjson"))
	if err != nil {
		return err
	}
	defer index.Close()
	buffered := bufio.NewWriter(index)
	encoder := json.NewEncoder(buffered)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func compile(tc cases.TestCase, to string) compiled {
	line := compiled{Area: filepath.Base(filepath.Dir(tc.Filename)), Case: tc}
	bytes, err := compileModule(tc)
	if err != nil {
		line.Error = err.Error()
		return line
	}
	digest := sha256.Sum256(bytes)
	line.Wasm = hex.EncodeToString(digest[:8]) + ".wasm.gz"
	path := filepath.Join(to, line.Wasm)
	if _, err := os.Stat(path); err == nil {
		return line
	}
	if err := save(path, bytes); err != nil {
		line.Error = err.Error()
	}
	return line
}

// compileModule is what OPA's own end-to-end test of its Wasm SDK does: the query is the entrypoint.
func compileModule(tc cases.TestCase) (module []byte, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("the compiler gave up: %v", thrown)
		}
	}()
	options := []func(*rego.Rego){
		rego.Query(tc.Query),
		rego.SetRegoVersion(ast.RegoV1),
		rego.Capabilities(ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(tc.ExperimentalKeywords))),
	}
	for index, source := range tc.Modules {
		options = append(options, rego.Module(fmt.Sprintf("module-%d.rego", index), source))
	}
	result, err := rego.New(options...).Compile(context.Background())
	if err != nil {
		return nil, err
	}
	return result.Bytes, nil
}

func save(path string, bytes []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "module-*")
	if err != nil {
		return err
	}
	compressor, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if _, err := compressor.Write(bytes); err != nil {
		return err
	}
	if err := compressor.Close(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
