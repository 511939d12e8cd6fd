package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

// bench is one run.
type bench struct {
	o        options
	errs     io.Writer
	site     *site
	children []child
	parents  []parent
	next     atomic.Int64 // number of the next child that a push makes
	pushed   pool         // patients whom a soak writes about
	stored   int          // resources that the loading made
	limits   []ceilings   // measured before and after
	rows     []row
	soaking  *soaked
	load     string // load average at the start
	memory   int64  // most that the server used under the load
}

func newBench(o options, errs io.Writer) (*bench, error) {
	s, err := newSite(o.Binary)
	if err == nil && o.Profile != "" {
		s.admin, err = freeAddress()
	}
	return &bench{o: o, errs: errs, site: s, load: loadAverage()}, err
}

func (b *bench) close() { b.site.close() }

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.errs, format+"\n", args...) }

// ceilings are what the machine allows, measured without drieluik (performance.md).
type ceilings struct {
	HTTP     float64       `json:"c1RequestsPerSecond"`          // bare net/http, 32 clients
	HTTPCPU  float64       `json:"c1MicrosecondsCPU"`            // of its server, per request
	Grouped  float64       `json:"c2UnitsPerSecond"`             // bare SQLite, 32 units in a commit
	Single   float64       `json:"c3CommitsPerSecond"`           // bare SQLite, one unit in a commit
	Commit   time.Duration `json:"c3P50"`                        // of one such commit
	Verify   float64       `json:"c4VerifiesPerSecond"`          // ES384 assertions, all processors
	Page     time.Duration `json:"c5P50"`                        // one patient's page of 20 by bare SQL
	Append   float64       `json:"c6AppendsPerSecond"`           // 4 kB and fdatasync
	Batched  float64       `json:"c7UnitsPerSecond,omitempty"`   // pgx.Batch on 16 connections; 0: no PostgreSQL
	Copied   float64       `json:"copyUnitsPerSecond,omitempty"` // the same rows by COPY, 32 units in a commit
	Valid    float64       `json:"c8MegabytesPerSecond"`         // encoding/json.Valid, one processor
	AuditCPU float64       `json:"auditMicrosecondsCPU"`         // of one bare row of the log in a shared commit
}

// mostClients is the load under which C1 and the goals of throughput are measured.
const mostClients = 32

// ceilings measures them; the second time those alone that the ratios of throughput need.
func (b *bench) ceilings(ctx context.Context) error {
	again := len(b.limits) > 0
	b.say("measuring ceilings")
	var c ceilings
	f, err := b.bareHTTP(ctx, mostClients)
	if err != nil {
		return err
	}
	c.HTTP, c.HTTPCPU = f.rate(), f.cpu()
	if err := b.bareSQL(ctx, &c, min(b.o.Children*barePerChild, 20_000)); err != nil {
		return err
	}
	if !again {
		if err := b.bareRest(ctx, &c); err != nil {
			return err
		}
	}
	b.limits = append(b.limits, c)
	return ctx.Err()
}

// bareSQL measures C2, C3 and C5 on a bare store that holds so many units.
func (b *bench) bareSQL(ctx context.Context, c *ceilings, filled int) error {
	s, err := openBare(filled)
	if err != nil {
		return err
	}
	defer s.close()
	page, err := s.page(ctx, b.o.duration())
	if err != nil {
		return err
	}
	single := s.groups(ctx, 1, b.o.duration())
	c.Page, c.Single, c.Commit = page.P50, single.rate(), single.P50
	c.Grouped = s.groups(ctx, bareGroup, b.o.duration()).unitRate()
	c.AuditCPU = s.auditCPU(ctx, b.o.duration()/2)
	return nil
}

// ceiling returns the mean of both measurements of a figure; what was measured once stands alone.
func (b *bench) ceiling(of func(ceilings) float64) float64 {
	sum, n := 0.0, 0
	for _, c := range b.limits {
		if v := of(c); v > 0 {
			sum, n = sum+v, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// drift is how far apart the two measurements of a ceiling lie, as a part of their mean: what the
// machine did besides.
func (b *bench) drift(of func(ceilings) float64) float64 {
	if len(b.limits) < 2 {
		return 0
	}
	mean := b.ceiling(of)
	if mean == 0 {
		return 0
	}
	d := (of(b.limits[1]) - of(b.limits[0])) / mean
	return max(d, -d)
}

// begin starts the server, registers the clients, stores the children and logs the parents in.
func (b *bench) begin(ctx context.Context) error {
	if _, err := b.site.start(ctx); err != nil {
		return err
	}
	if err := b.site.register(ctx); err != nil {
		return err
	}
	start := time.Now()
	if err := b.fill(ctx, b.o.Children); err != nil {
		return err
	}
	b.say("%d children, %d resources stored in %s", len(b.children), b.stored, time.Since(start).Round(time.Millisecond))
	if !b.o.wants("W2") && !b.o.Growth && b.o.Soak == 0 {
		return nil
	}
	if err := b.logIn(ctx); err != nil {
		return err
	}
	b.site.stop() // the memory of the password hashes is none of the load's
	_, err := b.site.start(ctx)
	return err
}

// single runs f on one processor, as the goals of one core say.
func single(f func()) {
	was := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(was)
	f()
}
