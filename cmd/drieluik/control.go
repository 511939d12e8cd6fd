package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir/store"
)

// An embedded store belongs to one process. So that commands work while the server runs, the
// server takes them over a socket in the data folder, which only its owner can open.

// operator is what the short commands do, in this process or in the running server.
type operator interface {
	Add(ctx context.Context, c smart.Client) (id, secret string, err error)
	Clients(ctx context.Context) ([]smart.Client, error)
	SetStatus(ctx context.Context, id, status string) error
	Import(ctx context.Context, file []byte) (int, error)
	VerifyAudit(ctx context.Context) (store.Verification, error)
}

// local does them on the opened store.
type local struct{ *app }

func (l local) Add(ctx context.Context, c smart.Client) (string, string, error) {
	added, err := l.clients.Add(ctx, c)
	return added.Client.ID, added.Secret.Reveal(), err
}

func (l local) Clients(ctx context.Context) ([]smart.Client, error) { return l.clients.List(ctx) }

func (l local) SetStatus(ctx context.Context, id, status string) error {
	if status == smart.StatusActive {
		return l.clients.Enable(ctx, id)
	}
	return l.clients.Disable(ctx, id)
}

func (l local) Import(ctx context.Context, file []byte) (int, error) {
	return l.clients.Import(ctx, file)
}

func (l local) VerifyAudit(ctx context.Context) (store.Verification, error) {
	return l.store.VerifyAudit(ctx)
}

// order is one command on the socket, and its answer.
type order struct {
	Do     string // add, list, status, import, verify
	Client smart.Client
	File   []byte
}

type outcome struct {
	ID, Secret   string
	Clients      []smart.Client
	Count        int
	Verification store.Verification
	Failed       string // the sentence for the operator
}

// obey carries out one order.
func obey(ctx context.Context, op operator, o order) outcome {
	var out outcome
	var err error
	switch o.Do {
	case "add":
		out.ID, out.Secret, err = op.Add(ctx, o.Client)
	case "list":
		out.Clients, err = op.Clients(ctx)
	case "status":
		err = op.SetStatus(ctx, o.Client.ID, o.Client.Status)
	case "import":
		out.Count, err = op.Import(ctx, o.File)
	case "verify":
		out.Verification, err = op.VerifyAudit(ctx)
	default:
		err = errors.New("this server does not know the command; use the drieluik of the same release")
	}
	if err != nil {
		out.Failed = plainError(err).Error()
	}
	return out
}

// socketPath is where a server with this store listens for commands.
func socketPath(storeFlag string) string {
	return filepath.Join(strings.TrimPrefix(storeFlag, "sqlite:"), "drieluik.sock")
}

// control answers commands until ctx ends. A folder whose path is too long for a socket goes
// without: commands then ask to stop the server first.
func (a *app) control(ctx context.Context) {
	path := socketPath(a.settings.Store)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		a.log.Warn("no command socket", "error", err.Error())
		return
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		a.log.Warn("no command socket", "error", err.Error())
		return
	}
	srv := &http.Server{
		Handler: http.HandlerFunc(a.command), ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	go func() {
		<-ctx.Done()
		if err := srv.Close(); err != nil {
			a.log.Debug("command socket", "error", err.Error())
		}
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		a.log.Warn("command socket ended", "error", err.Error())
	}
}

func (a *app) command(w http.ResponseWriter, r *http.Request) {
	var o order
	out := outcome{Failed: "the order is not valid JSON"}
	if json.NewDecoder(io.LimitReader(r.Body, convertLimit)).Decode(&o) == nil {
		out = obey(r.Context(), local{a}, o)
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.log.Debug("command went away", "error", err.Error())
	}
}

// remote does the commands through the socket of a running server.
type remote struct{ client *http.Client }

func newRemote(path string) remote {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return remote{&http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: time.Minute}}
}

func (r remote) send(ctx context.Context, o order) (outcome, error) {
	var out outcome
	body, err := json.Marshal(o)
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://drieluik/", bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return out, fmt.Errorf("%w (and it does not take commands)", store.ErrLocked)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("the running server gave no answer: %w", err)
	}
	if out.Failed != "" {
		return out, errors.New(out.Failed)
	}
	return out, nil
}

func (r remote) Add(ctx context.Context, c smart.Client) (string, string, error) {
	out, err := r.send(ctx, order{Do: "add", Client: c})
	return out.ID, out.Secret, err
}

func (r remote) Clients(ctx context.Context) ([]smart.Client, error) {
	out, err := r.send(ctx, order{Do: "list"})
	return out.Clients, err
}

func (r remote) SetStatus(ctx context.Context, id, status string) error {
	_, err := r.send(ctx, order{Do: "status", Client: smart.Client{ID: id, Status: status}})
	return err
}

func (r remote) Import(ctx context.Context, file []byte) (int, error) {
	out, err := r.send(ctx, order{Do: "import", File: file})
	return out.Count, err
}

func (r remote) VerifyAudit(ctx context.Context) (store.Verification, error) {
	out, err := r.send(ctx, order{Do: "verify"})
	return out.Verification, err
}
