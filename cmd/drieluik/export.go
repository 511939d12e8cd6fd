package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

type exportCmd struct {
	storeFlags
	Out  string   `required:"" type:"path" help:"Folder to write into: a file TYPE.ndjson for each type that there is."`
	Type []string `placeholder:"TYPE" help:"Types to export; left out: all. May be given several times."`
}

// Help shows examples.
func (exportCmd) Help() string {
	return "Writes every current resource of the store as NDJSON, also while the server runs. Nobody's access is asked: this is for the\n" +
		"operator, and is in the log. The log itself comes with drieluik audit export. After a stop, run the same command\n" +
		"again: it goes on where it was.\n\n" +
		"Examples:\n  drieluik export --out ./export\n  drieluik export --store sqlite:/var/lib/drieluik --type Patient --type CarePlan --out ./plans"
}

// takeOutPage is how many resources one order brings.
const takeOutPage = 500

// exportProgress is what an export has written: export.json in its folder.
type exportProgress struct {
	Types  []fhir.Type // asked for
	Done   []fhir.Type // written to their end
	Type   fhir.Type   // being written
	Cursor string      // where its next page begins
	Size   int64       // bytes of its file that stand
	Lines  int         // of it
}

// Run exports every type.
func (c exportCmd) Run(ctx context.Context, s streams) error {
	types, err := c.types()
	if err != nil {
		return usageError{err}
	}
	if err := c.existing(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder %s; choose another --out", c.Out)
	}
	run := &exportRun{folder: c.Out, show: newBar(s.err, int64(len(types)))}
	if err := run.resume(types); err != nil {
		return err
	}
	do, closeStore, err := c.open(ctx, s, settings{Signatures: "one"})
	if err != nil {
		return err
	}
	run.do = do
	for _, t := range types {
		if err == nil && !slices.Contains(run.at.Done, t) {
			err = run.export(ctx, t)
		}
	}
	if err = errors.Join(err, closeStore()); err != nil {
		return fmt.Errorf("%w; run the same command again to go on", err)
	}
	run.show.end(fmt.Sprintf("%d resources of %d types", run.lines, run.files))
	return os.Remove(run.note())
}

func (c exportCmd) types() ([]fhir.Type, error) {
	all := slices.DeleteFunc(slices.Clone(fhir.Types()), func(t fhir.Type) bool { return t == "AuditEvent" })
	if len(c.Type) == 0 {
		return all, nil
	}
	var out []fhir.Type
	for _, name := range c.Type {
		t := fhir.Type(name)
		if !slices.Contains(all, t) {
			return nil, fmt.Errorf("--type %s: no type that is exported; the log comes with drieluik audit export", name)
		}
		out = append(out, t)
	}
	return out, nil
}

// exportRun is one export.
type exportRun struct {
	folder string
	do     operator
	show   *bar
	at     exportProgress
	lines  int
	files  int
}

func (r *exportRun) note() string { return filepath.Join(r.folder, "export.json") }

// resume reads what an export before this one wrote into the folder.
func (r *exportRun) resume(types []fhir.Type) error {
	text, err := os.ReadFile(r.note())
	if errors.Is(err, os.ErrNotExist) {
		if old, _ := filepath.Glob(filepath.Join(r.folder, "*.ndjson")); len(old) > 0 {
			return usageError{fmt.Errorf("%s has an export already; choose another --out", r.folder)}
		}
		r.at.Types = types
		return nil
	}
	if err != nil || json.Unmarshal(text, &r.at) != nil {
		return fmt.Errorf("%s cannot be read; remove the folder and begin anew", r.note())
	}
	if !slices.Equal(r.at.Types, types) {
		return usageError{fmt.Errorf("the export in %s was of other types; go on with those, or choose another --out", r.folder)}
	}
	return nil
}

// export writes the file of one type, from where it stands.
func (r *exportRun) export(ctx context.Context, t fhir.Type) error {
	if r.at.Type != t {
		r.at.Type, r.at.Cursor, r.at.Size, r.at.Lines = t, "", 0, 0
	}
	for {
		page, err := r.do(ctx, order{Do: "export", Type: t, Cursor: r.at.Cursor})
		if err != nil {
			return err
		}
		if err := r.write(t, page.Lines); err != nil {
			return err
		}
		if r.at.Cursor = page.Cursor; page.Cursor == "" {
			break
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	if r.at.Lines > 0 {
		r.files++
	}
	r.at.Done = append(r.at.Done, t)
	r.show.show(int64(len(r.at.Done)), func() string { return fmt.Sprintf("%s, %d resources", t, r.lines) })
	return r.save()
}

// write appends lines to the file of a type, behind what stands of it.
func (r *exportRun) write(t fhir.Type, lines []string) (err error) {
	if len(lines) == 0 {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(r.folder, string(t)+".ndjson"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(r.at.Size); err != nil {
		return err
	}
	if _, err := f.Seek(r.at.Size, 0); err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, line := range lines {
		n, err := w.WriteString(line + "\n")
		if err != nil {
			return err
		}
		r.at.Size += int64(n)
	}
	r.at.Lines, r.lines = r.at.Lines+len(lines), r.lines+len(lines)
	return errors.Join(w.Flush(), f.Sync())
}

// save writes how far the export is, in the place of what stood there.
func (r *exportRun) save() error {
	text, err := json.Marshal(r.at)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.note()+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(r.note()+".new", r.note())
}

// takeOut carries out one page of "export". That somebody takes records along is in the log.
func (a *app) takeOut(ctx context.Context, o order) (outcome, error) {
	page, err := a.exchange.TakeOut(ctx, o.Type, o.Cursor, takeOutPage)
	if err == nil && o.Cursor == "" && len(page.Lines) > 0 {
		err = a.exchange.Note(ctx, exchange.Incident{Event: "exported", Details: map[string]string{"type": string(o.Type)}})
	}
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Cursor: page.Next}
	for _, line := range page.Lines {
		out.Lines = append(out.Lines, string(line))
	}
	return out, nil
}
