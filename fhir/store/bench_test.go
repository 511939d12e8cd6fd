package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/fhir/store"
)

// sample is a care plan of about 3 kB with 12 index rows.
func sample(id, patient string, version int) exchange.Write {
	r := rand.New(rand.NewPCG(uint64(len(id)), uint64(version)))
	var b strings.Builder
	fmt.Fprintf(&b, `{"resourceType":"CarePlan","meta":{"profile":["https://drieluik.example/fhir/StructureDefinition/mks-zorgplan"]},"id":%q,"status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"activity":[`, id, patient)
	for i := range 9 {
		fmt.Fprintf(&b, `%s{"detail":{"kind":"ServiceRequest","status":"in-progress","code":{"coding":[{"system":"http://snomed.info/sct","code":"%d","display":"Sondevoeding via neusmaagsonde"}]},"scheduledTiming":{"repeat":{"frequency":%d,"period":1,"periodUnit":"d"}},"description":"handeling %x"}}`,
			map[bool]string{true: ","}[i > 0], r.IntN(1e9), 1+r.IntN(8), r.Uint64())
	}
	b.WriteString(`]}`)
	p := fhir.Ref{Type: "Patient", ID: patient}
	rows := []search.Row{{Param: "patient", Kind: search.Reference, System: "Patient", Value: patient}, {Param: "subject", Kind: search.Reference, System: "Patient", Value: patient},
		{Param: "status", Kind: search.Token, System: "http://hl7.org/fhir/request-status", Value: "active"}, {Param: "date", Kind: search.Date, Low: 1.7e12, High: 1.8e12}}
	for i := range 8 {
		rows = append(rows, search.Row{Param: "activity-code", Kind: search.Token, System: "http://snomed.info/sct", Value: fmt.Sprint(100000 + i)})
	}
	return exchange.Write{Ref: fhir.Ref{Type: "CarePlan", ID: id, Version: version}, Body: []byte(b.String()), MetaAt: 35, Rows: rows, Compartments: []string{patient},
		Facts: auth.ResourceFacts{Patients: []fhir.Ref{p}, Custodian: fhir.Ref{Type: "Organization", ID: "zh"}, Author: fhir.Ref{Type: "Organization", ID: "zh"}, Status: "active", Domains: []string{"medisch"},
			Codings: []auth.Coding{{System: "http://snomed.info/sct", Code: "734163000"}}, Granular: rows[2:3]}}
}

func event(patient string) exchange.Audit {
	body := `{"resourceType":"AuditEvent","type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110110"},"action":"C","outcome":"0","agent":[{"who":{"reference":"Device/x"},"requestor":true}],"entity":[{"what":{"reference":"Patient/` + patient + `"}}]}`
	return exchange.Audit{Compartment: patient, Body: []byte(body), RecordedAt: len(`{"resourceType":"AuditEvent",`)}
}

// concurrently runs f b.N times from so many goroutines and reports the rate.
func concurrently(b *testing.B, clients int, f func(n int64)) {
	b.Helper()
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wg.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				f(i)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
}

// BenchmarkCommit is W3 without what stands above the store: resource, index, audit row, notice.
func BenchmarkCommit(b *testing.B) {
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openAt(b, b.TempDir())
			concurrently(b, clients, func(n int64) {
				patient := fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", n%500)
				w := sample(fmt.Sprintf("8c1fd6e2-6d0f-4d11-b36a-%012d", n), patient, 1)
				u := exchange.Unit{Writes: []exchange.Write{w}, Audits: []exchange.Audit{event(patient)},
					Notices: []exchange.Notice{{Compartment: patient, Ref: w.Ref, Kind: "create"}}}
				if _, err := s.Commit(context.Background(), u); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkBare is C2 (grouped by 32) and C3 (single) of performance.md: the same rows by bare SQL.
func BenchmarkBare(b *testing.B) {
	for _, group := range []int{32, 1} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "c2.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(`CREATE TABLE r(comp TEXT, type TEXT, id TEXT, ver INT, body BLOB, PRIMARY KEY(comp,type,id,ver));
				CREATE TABLE i(comp TEXT, type TEXT, param TEXT, val TEXT, id TEXT, PRIMARY KEY(comp,type,param,val,id)) WITHOUT ROWID`); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for n := 0; n < b.N; n += group {
				if err := bareGroup(db, n, min(group, b.N-n)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
		})
	}
}

func bareGroup(db *sql.DB, first, group int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	r, err := tx.Prepare(`INSERT INTO r VALUES(?,?,?,?,?)`)
	if err != nil {
		return err
	}
	idx, err := tx.Prepare(`INSERT INTO i VALUES(?,?,?,?,?)`)
	if err != nil {
		return err
	}
	body := make([]byte, 900)
	for n := first; n < first+group; n++ {
		patient, id := fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", n%500), fmt.Sprintf("8c1fd6e2-6d0f-4d11-b36a-%012d", n)
		if _, err := r.Exec(patient, "CarePlan", id, 1, body); err != nil {
			return err
		}
		for k := range 12 {
			if _, err := idx.Exec(patient, "CarePlan", "activity-code", 100000+k, id); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// filled makes a store of so many children with 40 care plans each.
func filled(b *testing.B, children int) *store.Store {
	b.Helper()
	s := openAt(b, b.TempDir())
	for c := range children {
		var u exchange.Unit
		for i := range 40 {
			u.Writes = append(u.Writes, sample(fmt.Sprintf("c%d-%d", c, i), fmt.Sprintf("kind%d", c), 1))
		}
		if _, err := s.Commit(context.Background(), u); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkRead(b *testing.B) {
	s := filled(b, 50)
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			concurrently(b, clients, func(n int64) {
				err := s.View(context.Background(), func(sn exchange.Snapshot) error {
					_, err := sn.Read(fhir.Ref{Type: "CarePlan", ID: fmt.Sprintf("c%d-%d", n%50, n%40)})
					return err
				})
				if err != nil {
					b.Error(err)
				}
			})
		})
	}
}

func BenchmarkSearchOfOneChild(b *testing.B) {
	s := filled(b, 50)
	concurrently(b, 1, func(n int64) {
		child := fmt.Sprintf("kind%d", n%50)
		p := search.Plan{Type: "CarePlan", Count: 20, Total: true, Where: []search.Clause{
			{Param: "patient", Kind: search.Reference, Values: []search.Value{{System: "Patient", Value: child}}},
			{Param: "status", Kind: search.Token, Values: []search.Value{{AnySystem: true, Value: "active"}}}}}
		err := s.View(context.Background(), func(sn exchange.Snapshot) error {
			page, err := sn.Search(p, auth.Filter{Organization: fhir.Ref{Type: "Organization", ID: "zh"}})
			if len(page.Matches) != 20 || page.Total != 40 {
				b.Errorf("%d of %d", len(page.Matches), page.Total)
			}
			return err
		})
		if err != nil {
			b.Error(err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openAt(b, dir)
	for n := range 200 {
		if _, err := s.Commit(context.Background(), exchange.Unit{Writes: []exchange.Write{sample(fmt.Sprint(n), "boris", 1)}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := store.Open(context.Background(), dir, store.Options{Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
