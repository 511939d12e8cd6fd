package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

type importCmd struct {
	storeFlags
	Workers    int      `help:"How many children at once; left out: as many as there are processors."`
	Org        string   `help:"Organisation that FHIR Bundles come from: SYSTEM|VALUE, or a URA number. Source documents name their own."`
	Signatures string   `default:"one" enum:"one,all" help:"How many guardians sign a changed plan, as serve has it; a running server goes by its own."`
	Package    []string `type:"path" help:"FHIR package that resources are checked against, as serve has it; repeatable."`
	Errors     string   `type:"path" default:"import-errors.ndjson" help:"File for what is refused: a line each, with place, rule and what to do."`
	Paths      []string `arg:"" name:"path" help:"Files and folders: .json (a source document, a FHIR Bundle, or an array of them) and .ndjson (one a line)."`
}

// Help shows examples.
func (importCmd) Help() string {
	return "Takes in records as POST /fhir/$submit does, with the same checks, in the store itself or, while a server runs on it,\n" +
		"through that server. The files of a folder go in the order of their names, folders beside one another; the lines of\n" +
		"an .ndjson go in order for each child. What is stored already is known again and left: after a stop, run the same\n" +
		"command again.\n\n" +
		"Examples:\n  drieluik import ./records\n  drieluik import --workers 8 --store sqlite:/var/lib/drieluik export-1.ndjson export-2.ndjson\n" +
		"  drieluik import --org 90000002 ./bundles"
}

// Run imports everything that the paths name.
func (c importCmd) Run(ctx context.Context, s streams) error {
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Workers < 1 || c.Workers > 64 {
		return usageError{errors.New("--workers takes 1 to 64")}
	}
	files, err := importFiles(c.Paths)
	if err != nil {
		return usageError{err}
	}
	if err := os.Remove(c.Errors); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot write %s; choose another --errors", c.Errors)
	}
	do, closeStore, err := c.open(ctx, s, settings{Signatures: c.Signatures, Package: c.Package})
	if err != nil {
		return err
	}
	run := &importRun{
		cmd: c, do: do, progress: newProgress(s.err, files),
		errors: &errorFile{path: c.Errors},
	}
	err = run.all(ctx, files)
	return errors.Join(err, run.errors.close(), closeStore())
}

// importRun is one import.
type importRun struct {
	cmd      importCmd
	do       operator
	progress *progress
	errors   *errorFile
}

// importRecord is one record of a file. line counts from 1, in a file with several.
type importRecord struct {
	file string
	line int
	size int64 // bytes of the file that it stands for
	lane string
	body []byte
	bad  *fhir.Issue // it cannot even be read
}

// all sends the records of the files through the workers: those of one lane through one, in order.
func (r *importRun) all(ctx context.Context, files []importFile) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	lanes := make([]chan importRecord, r.cmd.Workers)
	var working sync.WaitGroup
	for i := range lanes {
		lanes[i] = make(chan importRecord, 4)
		working.Go(func() {
			for rec := range lanes[i] {
				if ctx.Err() != nil {
					continue
				}
				if err := r.take(ctx, rec); err != nil {
					stop(err)
				}
			}
		})
	}
	err := readRecords(files, func(rec importRecord) bool {
		select {
		case lanes[laneOf(rec.lane, len(lanes))] <- rec:
			return true
		case <-ctx.Done():
			return false
		}
	})
	for _, lane := range lanes {
		close(lane)
	}
	working.Wait()
	r.progress.end()
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return errors.New("stopped; run the same command again to go on, what is stored is known again")
	case context.Cause(ctx) != nil:
		return fmt.Errorf("%w; run the same command again to go on", context.Cause(ctx))
	case err != nil:
		return err
	case r.progress.refused() > 0:
		return fmt.Errorf("%d records were refused; mend what stands in %s, and run the same command again", r.progress.refused(), r.cmd.Errors)
	}
	return nil
}

// take sends one record and tells what came of it. An error ends the import.
func (r *importRun) take(ctx context.Context, rec importRecord) error {
	out := outcome{}
	if rec.bad != nil {
		out.Issues = []fhir.Issue{*rec.bad}
	} else {
		var err error
		o := order{Do: "import", File: rec.body, Organization: organizationIdentifier(r.cmd.Org)}
		if out, err = r.do(ctx, o); err != nil {
			return err
		}
	}
	r.progress.add(rec.size, out)
	if out.Issues == nil {
		return nil
	}
	return r.errors.write(rec, out.Issues)
}
