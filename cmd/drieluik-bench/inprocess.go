package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// bareRest measures C4, C6 and C8.
func (b *bench) bareRest(ctx context.Context, c *ceilings) error {
	verify, err := b.verifying(ctx)
	if err != nil {
		return err
	}
	c.Verify = verify.rate()
	appended, err := b.appending(ctx)
	if err != nil {
		return err
	}
	c.Append = appended.rate()
	docs, err := plans()
	if err != nil {
		return err
	}
	single(func() {
		f := drive(ctx, 1, b.o.duration(), 0, func(_ context.Context, w *worker) (int, error) {
			doc := docs[w.rnd.IntN(len(docs))]
			if !json.Valid(doc) {
				return 0, errors.New("a document is not JSON")
			}
			return len(doc), nil
		})
		c.Valid = f.unitRate() / 1e6
	})
	return nil
}

// verifying is C4: the signature of one ES384 assertion, on all processors.
func (b *bench) verifying(ctx context.Context) (figures, error) {
	key, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		return figures{}, err
	}
	public, err := jose.PublicSet(key)
	if err != nil {
		return figures{}, err
	}
	set, err := jose.ParseKeySet(public)
	if err != nil {
		return figures{}, err
	}
	now := time.Now()
	text, err := key.SignAssertion(jose.Claims{
		Issuer: "c", Subject: "c", Audience: "https://h.example/auth/token", ID: "1", IssuedAt: jose.At(now.Unix()), Expires: jose.At(now.Unix() + 300),
	})
	if err != nil {
		return figures{}, err
	}
	return drive(ctx, runtime.GOMAXPROCS(0), b.o.duration(), 0, func(context.Context, *worker) (int, error) {
		a, err := jose.ParseAssertion(text)
		if err != nil {
			return 0, err
		}
		return 1, a.Verify(set, []string{jose.ES384})
	}), nil
}

// appending is C6: 4 kB at the end of a file, and durable.
func (b *bench) appending(ctx context.Context) (figures, error) {
	f, err := os.Create(filepath.Join(b.site.dir, "append"))
	if err != nil {
		return figures{}, err
	}
	defer f.Close() // a temporary file
	block := bytes.Repeat([]byte{0xA5}, 4096)
	return drive(ctx, 1, b.o.duration(), 0, func(context.Context, *worker) (int, error) {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		return 1, f.Sync()
	}), nil
}

// plans are CarePlans of about 4 kB, each another.
func plans() ([][]byte, error) {
	out := make([][]byte, 32)
	for i := range out {
		out[i] = carePlan("3f2504e0-4f89-41d3-9a0c-000000000001", uint64(i)*7919)
		if r, issues := fhir.Parse(out[i], fhir.Limits{}); r == nil || fhir.HasErrors(validate.Resource(r)) || fhir.HasErrors(issues) {
			return nil, errors.New("the CarePlan of the bench is not valid")
		}
	}
	return out, nil
}

// inProcess measures what needs no server, on one processor.
func (b *bench) inProcess(ctx context.Context) error {
	if b.o.wants("W7") {
		docs, err := plans()
		if err != nil {
			return err
		}
		b.alone(ctx, "W7", "parse a CarePlan of 4 kB", func(_ context.Context, w *worker) (int, error) {
			doc := docs[w.rnd.IntN(len(docs))]
			if r, _ := fhir.Parse(doc, fhir.Limits{}); r == nil {
				return 0, errors.New("a CarePlan is refused")
			}
			return len(doc), nil
		})
		b.alone(ctx, "W7", "parse and validate it", func(_ context.Context, w *worker) (int, error) {
			doc := docs[w.rnd.IntN(len(docs))]
			if r, _ := fhir.Parse(doc, fhir.Limits{}); r == nil || fhir.HasErrors(validate.Resource(r)) {
				return 0, errors.New("a CarePlan is refused")
			}
			return len(doc), nil
		})
	}
	if b.o.wants("W8") {
		do, err := mappingJob()
		if err != nil {
			return err
		}
		b.alone(ctx, "W8", "map a transfer to FHIR", do)
	}
	if b.o.wants("W10") {
		do, err := decisionJob()
		if err != nil {
			return err
		}
		b.alone(ctx, "W10", "decide under a compiled consent", do)
		last := &b.rows[len(b.rows)-1]
		last.P50, last.P99 = last.P50/decisions, last.P99/decisions
		if last.Value, err = allocations(ctx, do); err != nil {
			return err
		}
	}
	if b.o.wants("W11") {
		do, err := overlapJob()
		if err != nil {
			return err
		}
		b.alone(ctx, "W11", "find overlap on a write for a child with 60 activities", do)
	}
	return ctx.Err()
}

// alone measures a job in this process on one processor.
func (b *bench) alone(ctx context.Context, id, what string, do job) {
	b.say("measuring %s: %s", id, what)
	single(func() {
		before := ownCPU()
		f := drive(ctx, 1, b.o.duration(), 0, do)
		f.CPU = time.Duration(float64(ownCPU()-before) / 1.1) // drive runs a tenth uncounted
		b.rows = append(b.rows, row{ID: id, What: what, figures: f})
	})
}

// allocations counts what one unit of a job allocates, while nothing else runs in this process.
func allocations(ctx context.Context, do job) (float64, error) {
	const rounds = 100
	var before, after runtime.MemStats
	units := 0
	runtime.ReadMemStats(&before)
	for range rounds {
		n, err := do(ctx, nil)
		if err != nil {
			return 0, err
		}
		units += n
	}
	runtime.ReadMemStats(&after)
	return math.Round(float64(after.Mallocs-before.Mallocs)/float64(units)*10) / 10, nil
}

// mappingJob is W8: read the document, check its rules, map it with the child's record at hand.
func mappingJob() (job, error) {
	now := time.Now()
	memory, format := mapping.NewMemory(), mks.Format{}
	known, err := about("boris/02-kind-ziekenhuis.json", 0)
	if err != nil {
		return nil, err
	}
	source, result, err := mapped(format, known, memory, now)
	if err != nil {
		return nil, err
	}
	memory.Apply(source, result, now)
	docs := make([][]byte, 16)
	for i := range docs {
		if docs[i], err = about(transferRecord.file, 0); err != nil {
			return nil, err
		}
	}
	return func(_ context.Context, w *worker) (int, error) {
		_, result, err := mapped(format, docs[w.rnd.IntN(len(docs))], memory, now)
		if err == nil && len(result.Resources) < 10 {
			err = errors.New("a transfer became too few resources")
		}
		return 1, err
	}, nil
}

func mapped(format mapping.Format, doc []byte, known mapping.Known, now time.Time) (mapping.Source, mapping.Result, error) {
	tree, issues := fhir.ParseDocument(doc, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return mapping.Source{}, mapping.Result{}, errors.New("a sample record is no JSON")
	}
	source, issues := format.Read(tree, now)
	result, err := format.Map(source, known, now)
	if err == nil && (fhir.HasErrors(issues) || fhir.HasErrors(result.Issues)) {
		err = errors.New("a sample record has faults")
	}
	return source, result, err
}
