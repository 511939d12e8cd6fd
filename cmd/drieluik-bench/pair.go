package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// shared is what two processes share: a PostgreSQL as durable as it comes, a Redis, and a secret.
type shared struct {
	pg     *storetest.Postgres
	redis  *exec.Cmd
	url    string // of Redis
	secret string // file
	second *exec.Cmd
}

// bareConnections is how many connections C7 has, and a process of drieluik for its writes.
const bareConnections = 16

func (s *shared) store() []string {
	return []string{"--store", s.pg.Address(), "--secret-file", s.secret}
}

// flags are those of serve beside the store.
func (s *shared) flags() []string {
	if s == nil {
		return nil
	}
	return []string{"--redis", s.url, "--processes", "2"}
}

func (s *shared) close() {
	for _, c := range []*exec.Cmd{s.second, s.redis} {
		if c != nil {
			_ = c.Process.Signal(syscall.SIGTERM)
			_ = c.Wait()
		}
	}
	_ = s.pg.Remove() // a temporary folder
}

// newShared starts PostgreSQL and Redis; storetest.ErrNoPrograms when this machine lacks one of them.
func newShared(dir string) (*shared, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, storetest.ErrNoPrograms
	}
	pg, err := storetest.NewPostgres("shared_buffers=128MB")
	if err != nil {
		return nil, err
	}
	s := &shared{pg: pg, secret: filepath.Join(dir, "secret")}
	secret := make([]byte, 32)
	rand.Read(secret) // crypto/rand.Read never fails
	address, err := freeAddress()
	if err == nil {
		err = os.WriteFile(s.secret, secret, 0o600)
	}
	if err == nil {
		_, port, _ := net.SplitHostPort(address) // it was made of one
		s.url = "redis://" + address
		s.redis = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "yes")
		err = s.redis.Start()
	}
	if err == nil {
		err = reached(address)
	}
	if err != nil {
		s.close()
	}
	return s, err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// reached waits until somebody listens.
func reached(address string) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// pair is W12: W1 to W4 and W9 once more, on two processes that share PostgreSQL and Redis. It is left out where
// those are not installed, and of a short run unless it is asked for.
func (b *bench) pair(ctx context.Context) error {
	if !b.o.wants("W12") || b.o.Short && len(b.o.Only) == 0 {
		return nil
	}
	two := &bench{o: b.o, errs: b.errs, limits: b.limits}
	two.o.Only = []string{"W1", "W2", "W3", "W4", "W9"}
	var err error
	if two.site, err = newSite(b.o.Binary); err != nil {
		return err
	}
	defer two.close()
	if two.site.shared, err = newShared(two.site.dir); errors.Is(err, storetest.ErrNoPrograms) {
		b.say("PostgreSQL or Redis is not installed: no C7, no W12")
		return nil
	}
	if err != nil {
		return err
	}
	c := &b.limits[len(b.limits)-1]
	if c.Batched, err = two.site.shared.bare(ctx, b.o.duration()); err != nil {
		return err
	}
	if c.Copied, err = two.site.shared.copied(ctx, b.o.duration()); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{two.begin, two.site.join, two.workloads, two.importing} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	for _, r := range two.rows {
		r.ID, r.What = "W12", r.ID+" on two processes: "+r.What
		b.rows = append(b.rows, r)
	}
	return nil
}

// join starts the second process behind the URL of the first.
func (s *site) join(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	cmd := exec.Command(s.binary, append([]string{"serve", "--listen", address, "--base-url", s.client.base}, append(s.store(), s.shared.flags()...)...)...)
	cmd.Env = append(os.Environ(), "DRIELUIK_ADMIN_LISTEN=off")
	if err := cmd.Start(); err != nil {
		return err
	}
	s.shared.second = cmd
	s.client.at = []string{s.client.base, "http://" + address}
	return reached(address)
}

// The bare tables on PostgreSQL.
const batchSchema = `
CREATE SCHEMA bare;
CREATE TABLE bare.r(comp TEXT, type TEXT, id TEXT, ver INT, body BYTEA, PRIMARY KEY(comp,type,id,ver));
CREATE TABLE bare.i(comp TEXT, type TEXT, param TEXT, val TEXT, id TEXT, PRIMARY KEY(comp,type,param,val,id));`

// bare measures C7: units of one resource row and its index rows, each a batch in a transaction of its own.
func (s *shared) bare(ctx context.Context, long time.Duration) (float64, error) {
	if err := s.pg.Exec(ctx, batchSchema); err != nil {
		return 0, fmt.Errorf("bare tables of PostgreSQL: %w", err)
	}
	c, err := pgxpool.ParseConfig(s.pg.Address())
	if err != nil {
		return 0, err
	}
	c.MaxConns = bareConnections
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	body := bytes.Repeat([]byte{0xA5}, bareStored)
	f := drive(ctx, bareConnections, long, os.Getpid(), func(ctx context.Context, w *worker) (int, error) {
		child, id := bareChild(w.rnd.IntN(1000)), fmt.Sprintf("%d-%d", w.n, w.rnd.Uint64())
		var batch pgx.Batch
		batch.Queue(`INSERT INTO bare.r VALUES($1,'CarePlan',$2,1,$3)`, child, id, body)
		for k := range bareIndex {
			batch.Queue(`INSERT INTO bare.i VALUES($1,'CarePlan',$2,$3,$4)`, child, "activity-code", fmt.Sprint(100000+k), id)
		}
		return 1, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, &batch).Close() })
	})
	if f.Failed > 0 {
		return 0, errors.New("bare PostgreSQL: " + f.First)
	}
	return f.unitRate(), nil
}
