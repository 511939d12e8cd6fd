package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// How many children W9 imports, 40 resources each.
const (
	importChildren = 2500
	importShort    = 50
)

// importing is W9: a bulk export of another system, taken in by drieluik import on a store of its own, or on the one
// that two processes share. The processors that it uses are those of the command.
func (b *bench) importing(ctx context.Context) error {
	if !b.o.wants("W9") {
		return nil
	}
	children := importChildren
	if b.o.Short {
		children = min(importShort, b.o.Children)
	}
	b.say("measuring W9 with %d children", children)
	files := filepath.Join(b.site.dir, "export")
	count, err := writeExport(files, children)
	if err != nil {
		return fmt.Errorf("W9 cannot be prepared: %w", err)
	}
	store := []string{"--store", "sqlite:" + filepath.Join(b.site.dir, "imported")}
	if b.site.shared != nil {
		store = b.site.shared.store()
	}
	f, err := b.importFiles(ctx, files, count, store)
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{ID: "W9", What: fmt.Sprintf("import %d resources of NDJSON", count), figures: f})
	return nil
}

// importFiles runs drieluik import on a folder of so many resources.
func (b *bench) importFiles(ctx context.Context, folder string, count int, store []string) (figures, error) {
	args := append([]string{"import", "--org", organisations[homecare], "--base", "https://ehr.example/r4", "--errors", folder + ".refused"}, store...)
	cmd := exec.CommandContext(ctx, b.site.binary, append(args, folder)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil || !strings.Contains(errs.String(), " stored, 0 known already, 0 refused") {
		return figures{}, errors.Join(fmt.Errorf("W9: %s", errs.String()), err)
	}
	return figures{Clients: 1, Count: count, Units: count, Took: took, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// exportKinds are the files of the export, and how many resources of each child stand in them: 40 together.
var exportKinds = []struct {
	name  string
	each  int
	write func(patient string, n int) string // without its id
}{
	{"Patient", 1, exportPatient},
	{"RelatedPerson", 2, func(patient string, n int) string {
		return fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":"Patient/%s"},"name":[{"family":"XXX_Ouder","given":["P%d"]}],`+
			`"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"PRN"}]}],"telecom":[{"system":"phone","value":"0612345678"}]}`, patient, n)
	}},
	{"Condition", 5, func(patient string, n int) string {
		return fmt.Sprintf(`{"resourceType":"Condition","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},`+
			`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}],`+
			`"code":{"coding":[{"system":"http://snomed.info/sct","code":"%d"}],"text":"Aandoening"},"subject":{"reference":"Patient/%s"},"onsetDateTime":"2026-02-11"}`, 195_967_001+n, patient)
	}},
	{"CarePlan", 8, func(patient string, n int) string { return string(carePlan(patient, uint64(n))) }},
	{"Observation", 24, func(patient string, n int) string { return observation(patient, n%1000, "") }},
}

// exportPatient is a child that nobody has pushed.
func exportPatient(_ string, n int) string {
	return fmt.Sprintf(`{"resourceType":"Patient","active":true,"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"%s"}],`+
		`"name":[{"family":"XXX_Kind","given":["K%d"]}],"gender":"female","birthDate":"2021-0%d-15","address":[{"city":"Utrecht","postalCode":"3511AB"}]}`, testBSN(maxChildren-importChildren+n), n, 1+n%9)
}

// writeExport writes a file of NDJSON for each type, and returns how many resources they hold.
func writeExport(folder string, children int) (count int, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, err
	}
	for _, kind := range exportKinds {
		f, err := os.Create(filepath.Join(folder, kind.name+".ndjson"))
		if err != nil {
			return 0, err
		}
		out := bufio.NewWriter(f)
		for n := range children * kind.each {
			id, child := fmt.Sprintf("%s-%d", strings.ToLower(kind.name), n), fmt.Sprintf("patient-%d", n/kind.each)
			fmt.Fprintf(out, "{\"id\":%q,%s\n", id, kind.write(child, n)[1:])
			count++
		}
		if err := errors.Join(out.Flush(), f.Close()); err != nil {
			return 0, err
		}
	}
	return count, nil
}
