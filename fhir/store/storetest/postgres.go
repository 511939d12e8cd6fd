package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a PostgreSQL of the tests' own in a folder that goes with it. It is reached through a socket
// in that folder.
type Postgres struct {
	dir    string
	folder string // of the programs
	as     *syscall.Credential
	args   []string
	cmd    *exec.Cmd
	done   chan struct{}
}

// pgPlain are the settings of a cluster that outlives the death of processes, not that of the machine, and
// does nothing by itself.
var pgPlain = []string{"fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=300", "shared_buffers=64MB", "max_wal_size=256MB"}

// pgSocket is the port in the socket's name; each cluster has a folder of its own.
const pgSocket = "5432"

// StartPostgres makes and starts a cluster with more settings ("name=value") that ends with the test.
// Without PostgreSQL the test is skipped, and in CI it fails.
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	p, err := NewPostgres(append(pgPlain, settings...)...)
	if errors.Is(err, ErrNoPrograms) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Remove(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// ErrNoPrograms says that this machine lacks PostgreSQL.
var ErrNoPrograms = errors.New("postgres is missing; conformance/postgres/install.sh installs it")

// NewPostgres makes and starts a cluster with settings; Remove must follow.
func NewPostgres(settings ...string) (*Postgres, error) {
	folder, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "drieluik-pg-") // the path of a socket is short, and another user must get there
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, folder: folder}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p.args = []string{"-D", p.data(), "-k", dir, "-p", pgSocket, "-c", "listen_addresses="}
	for _, s := range settings {
		p.args = append(p.args, "-c", s)
	}
	if err := p.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

// Standby makes and starts a standby that follows it, and ends with the test.
func (p *Postgres) Standby(t testing.TB) *Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "drieluik-pg-")
	if err != nil {
		t.Fatal(err)
	}
	q := &Postgres{dir: dir, folder: p.folder, as: p.as}
	if p.as != nil {
		if err := os.Chown(dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := q.command("pg_basebackup", "-D", q.data(), "-h", p.dir, "-p", pgSocket, "-U", "drieluik", "-R", "-X", "stream", "-c", "fast", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	q.args = append([]string{"-D", q.data(), "-k", dir}, p.args[4:]...)
	if err := q.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Remove(); err != nil {
			t.Error(err)
		}
	})
	return q
}

// Before returns an address of a store of p on two clusters, this one first.
func (p *Postgres) Before(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("host", p.dir+","+query.Get("host"))
	query.Set("port", pgSocket+","+query.Get("port"))
	u.RawQuery = query.Encode()
	return u.String()
}

// programs finds where Debian, or who else, put initdb and postgres.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNoPrograms
	}
	return filepath.Dir(path), nil
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// prepare makes the cluster. PostgreSQL does not run as root: where the tests do, it runs as another.
func (p *Postgres) prepare() error {
	if os.Getuid() == 0 {
		name := "postgres"
		other, err := user.Lookup(name)
		if err != nil {
			if other, err = user.Lookup("nobody"); err != nil {
				return err
			}
		}
		uid, err := strconv.ParseUint(other.Uid, 10, 32)
		if err != nil {
			return err
		}
		gid, err := strconv.ParseUint(other.Gid, 10, 32)
		if err != nil {
			return err
		}
		p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(p.dir, int(uid), int(gid)); err != nil {
			return err
		}
	}
	out, err := p.command("initdb", "-D", p.data(), "-U", "drieluik", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.folder, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return cmd
}

// Start starts it again after Kill.
func (p *Postgres) Start() error {
	log, err := os.OpenFile(p.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd, p.done = p.command("postgres", p.args...), make(chan struct{})
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // its end is told by the closed channel
	}()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := p.Exec(context.Background(), "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("postgres ended: " + p.Log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w: %s", err, p.Log())
		}
	}
}

// Stop ends it, and every connection, at once: what was not committed is gone.
func (p *Postgres) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Remove stops it and removes its folder.
func (p *Postgres) Remove() error {
	return errors.Join(p.Stop(), os.RemoveAll(p.dir), os.Remove(p.dir+".log"))
}

// Log returns what it wrote.
func (p *Postgres) Log() string {
	b, err := os.ReadFile(p.dir + ".log")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Exec runs SQL on the cluster.
func (p *Postgres) Exec(ctx context.Context, sql string) error {
	return execute(ctx, p.url("public"), sql)
}

func execute(ctx context.Context, database, sql string) error {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return errors.Join(err, c.Close(ctx))
}

func (p *Postgres) url(schema string) string {
	q := url.Values{"host": {p.dir}, "port": {pgSocket}, "search_path": {schema}}
	return "postgres://drieluik@/postgres?" + q.Encode()
}

// NewStore returns the address of an empty store.
func (p *Postgres) NewStore(t testing.TB) string {
	t.Helper()
	return SchemaIn(t, p.url("public"))
}

// SchemaIn makes a schema in a database and returns the address of the empty store in it.
func SchemaIn(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	var id [8]byte
	rand.Read(id[:]) // crypto/rand.Read never fails
	schema := "s" + hex.EncodeToString(id[:])
	if err := execute(t.Context(), database, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// Schema returns the schema of an address that NewStore gave.
func Schema(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(u.Query().Get("search_path"))
}

// Address returns where the cluster is, with no store.
func (p *Postgres) Address() string { return p.url("public") }
