package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// spent is what a cluster and this process have used up.
type spent struct {
	cluster, own time.Duration // of processors
	transactions int64
}

func spentBy(b *testing.B, c *pgx.Conn) (s spent) {
	b.Helper()
	ctx := context.Background()
	var pid int
	if err := c.QueryRow(ctx, `SELECT pg_backend_pid(),xact_commit FROM pg_stat_database WHERE datname=current_database()`).Scan(&pid, &s.transactions); err != nil {
		b.Fatal(err)
	}
	const tick = 10 * time.Millisecond
	postmaster := stat(fmt.Sprintf("/proc/%d/stat", pid))[1]
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is ours
	for _, file := range all {
		if f := stat(file); len(f) > 14 && f[1] == postmaster {
			for _, place := range []int{11, 12} { // user and system
				n, err := strconv.Atoi(f[place])
				if err != nil {
					b.Fatal(err)
				}
				s.cluster += time.Duration(n) * tick
			}
		}
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	s.own = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return s
}

// stat returns the members of a process behind its name: its state, its parent and so on.
func stat(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // it has ended
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// BenchmarkPostgres is W12 without what stands above the store: two processes write on one PostgreSQL that
// makes every commit durable.
func BenchmarkPostgres(b *testing.B) {
	p := storetest.StartPostgres(b, "fsync=on", "full_page_writes=on")
	c, err := pgx.Connect(context.Background(), p.Address())
	if err != nil {
		b.Fatal(err)
	}
	for name, unit := range map[string]func(n int64) exchange.Unit{
		"create": func(n int64) exchange.Unit {
			patient := fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", n%500)
			w := sample(fmt.Sprintf("8c1fd6e2-6d0f-4d11-b36a-%012d", n), patient, 1)
			return exchange.Unit{
				Writes: []exchange.Write{w}, Audits: []exchange.Audit{event(patient)},
				Relied:  []exchange.Reliance{{Compartment: exchange.DirectoryCompartment, EpochOnly: true}},
				Notices: []exchange.Notice{{Compartment: patient, Ref: w.Ref, Kind: "create"}},
			}
		},
		"read": func(n int64) exchange.Unit {
			return exchange.Unit{Audits: []exchange.Audit{event(fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", n%500))}}
		},
	} {
		for _, clients := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				address := p.NewStore(b)
				two := []*store.Store{openPostgres(b, address, store.Options{}), openPostgres(b, address, store.Options{})}
				before := spentBy(b, c)
				concurrently(b, clients, func(n int64) {
					if _, err := two[n%2].Commit(context.Background(), unit(n)); err != nil {
						b.Error(err)
					}
				})
				after := spentBy(b, c)
				for what, n := range map[string]float64{
					"cluster-µs/unit": float64((after.cluster - before.cluster).Microseconds()), "own-µs/unit": float64((after.own - before.own).Microseconds()),
					"transactions/unit": float64(after.transactions - before.transactions),
				} {
					b.ReportMetric(n/float64(b.N), what)
				}
			})
		}
	}
}
