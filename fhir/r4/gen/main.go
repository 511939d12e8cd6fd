// Command gen writes the table of package r4 from the R4 definitions.
//
// It reads a folder of NDJSON files, one definition a line, and keeps facts only: no prose, no
// display names. The outcome depends on the definitions alone, so that two runs are byte-identical.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// header stands above the table. A line is a record: fields are separated by tabs, the first one
// names the kind of record.
const header = `# FHIR R4 4.0.1 as data. Made by fhir/r4/gen; do not edit.
# T type kind base abstract | E path card flags types binding | C key severity expression
# P resource code type url targets expression | K definition expression
# M compartment resource params | V valueset | S system codes
`

func main() {
	from := flag.String("from", filepath.FromSlash("../shared/fhir/r4"), "folder of the definitions")
	out := flag.String("out", filepath.FromSlash("fhir/r4/tables.txt"), "file to write")
	flag.Parse()
	if err := run(*from, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, out string) error {
	table, err := generate(from)
	if err != nil {
		return err
	}
	return os.WriteFile(out, table, 0o644)
}

// generate returns the table of the definitions in the folder.
func generate(from string) ([]byte, error) {
	defs, err := read(from)
	if err != nil {
		return nil, err
	}
	out := []byte(header)
	for _, write := range []func([]byte, *definitions) ([]byte, error){
		writeTypes, writeParams, writeCompartments, writeValueSets,
	} {
		if out, err = write(out, defs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// definitions are the parts of a folder that the table is made of.
type definitions struct {
	types        map[string]*structure
	params       []searchParam
	compartments []compartment
	valueSets    map[string]*valueSet
	codeSystems  map[string]*codeSystem
}

// read takes in every NDJSON file of the folder, in the order of their names.
func read(folder string) (*definitions, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	defs := &definitions{
		types:       map[string]*structure{},
		valueSets:   map[string]*valueSet{},
		codeSystems: map[string]*codeSystem{},
	}
	slices.Sort(files)
	for _, name := range files {
		if err := defs.readFile(name); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	if len(defs.types) == 0 {
		return nil, fmt.Errorf("no structures in %s", folder)
	}
	return defs, nil
}

func (d *definitions) readFile(name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			if err := d.add(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// add takes in one definition; kinds that the table does not hold are passed over.
func (d *definitions) add(line []byte) error {
	var kind struct{ ResourceType, Derivation string }
	if err := json.Unmarshal(line, &kind); err != nil {
		return err
	}
	switch kind.ResourceType {
	case "StructureDefinition":
		if kind.Derivation == "constraint" {
			return nil
		}
		return decode(line, func(s *structure) { d.types[s.Name] = s })
	case "SearchParameter":
		return decode(line, func(p *searchParam) { d.params = append(d.params, *p) })
	case "CompartmentDefinition":
		return decode(line, func(c *compartment) { d.compartments = append(d.compartments, *c) })
	case "ValueSet":
		return decode(line, func(v *valueSet) { d.valueSets[v.URL] = v })
	case "CodeSystem":
		return decode(line, func(c *codeSystem) { d.codeSystems[c.URL] = c })
	}
	return nil
}

func decode[T any](line []byte, keep func(*T)) error {
	v := new(T)
	if err := json.Unmarshal(line, v); err != nil {
		return err
	}
	keep(v)
	return nil
}
