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
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/store"
)

// An embedded store belongs to one process. So that commands work while the server runs, the
// server takes them as orders over a socket in the data folder, which only its owner can open.

// order is one command of the operator; outcome is what came of it.
type order struct {
	Do       string // a key of orders
	Client   smart.Client
	File     []byte
	Login    string
	Password string
	Binding  smart.Binding
	Initial  smart.InitialAccess
	Status   string
	Now      bool // what is replaced ends at once

	OrganizationName string

	// Of the log: the span, the rows of one organisation or child alone, and where a page begins.
	From, To            time.Time
	Organization, Child string // of an emergency: the organisation that may
	After               store.AuditPlace
	Path                string // file to write, where the server runs
	Type                fhir.Type
	Cursor              string // of a page of export
	Gathered            bool   // of import: the record was made of lines, and names no sender
}

type outcome struct {
	ID, Secret   string
	Clients      []smart.Client
	Users        []smart.Account
	Keys         []smart.KeyInfo
	Emergencies  []smart.EmergencyOrganization
	Count        int
	Verification store.Verification
	Lines        []string          // NDJSON
	Next         *store.AuditPlace // nil at the end
	Cursor       string            // "" at the end
	Issues       []fhir.Issue      // what is wrong with an imported record
	Repeat       bool              // the record was stored before
	Failed       string            // the sentence for the operator
}

// operator carries out orders: here, or in the running server.
type operator func(ctx context.Context, o order) (outcome, error)

// orders is what an operator can do.
var orders = map[string]func(ctx context.Context, a *app, o order) (outcome, error){
	"client add": func(ctx context.Context, a *app, o order) (outcome, error) {
		added, err := a.clients.Add(ctx, o.Client)
		return outcome{ID: added.Client.ID, Secret: added.Secret.Reveal()}, err
	},
	"client list": func(ctx context.Context, a *app, _ order) (outcome, error) {
		clients, err := a.clients.List(ctx)
		return outcome{Clients: clients}, err
	},
	"client status": func(ctx context.Context, a *app, o order) (outcome, error) {
		if o.Status == smart.StatusActive {
			return outcome{}, a.clients.Enable(ctx, o.Client.ID)
		}
		return outcome{}, a.clients.Disable(ctx, o.Client.ID)
	},
	"client import": func(ctx context.Context, a *app, o order) (outcome, error) {
		n, err := a.clients.Import(ctx, o.File)
		return outcome{Count: n}, err
	},
	"client rotate": func(ctx context.Context, a *app, o order) (outcome, error) {
		secret, err := a.clients.Rotate(ctx, o.Client.ID, smart.Rotation{JWKS: o.Client.JWKS, JWKSURI: o.Client.JWKSURI, Now: o.Now})
		return outcome{Secret: secret.Reveal()}, err
	},
	"client token": func(ctx context.Context, a *app, o order) (outcome, error) {
		token, err := a.clients.IssueInitial(ctx, o.Initial)
		return outcome{Secret: token.Reveal()}, err
	},
	"user add": func(ctx context.Context, a *app, o order) (outcome, error) {
		added, err := a.users.Add(ctx, smart.NewAccount{Login: o.Login, Password: smart.Secret(o.Password), Binding: o.Binding})
		return outcome{ID: added.Login}, err
	},
	"user list": func(ctx context.Context, a *app, _ order) (outcome, error) {
		users, err := a.users.List(ctx)
		return outcome{Users: users}, err
	},
	"user status": func(ctx context.Context, a *app, o order) (outcome, error) {
		if o.Status == smart.StatusActive {
			return outcome{}, a.users.Enable(ctx, o.Login)
		}
		return outcome{}, a.users.Disable(ctx, o.Login)
	},
	"user passwd": func(ctx context.Context, a *app, o order) (outcome, error) {
		return outcome{}, a.users.Passwd(ctx, o.Login, smart.Secret(o.Password))
	},
	"user bind": func(ctx context.Context, a *app, o order) (outcome, error) {
		return outcome{}, a.users.Bind(ctx, o.Login, o.Binding)
	},
	"emergency enable": func(ctx context.Context, a *app, o order) (outcome, error) {
		_, err := a.clients.PermitEmergency(ctx, o.Organization, o.OrganizationName)
		return outcome{}, err
	},
	"emergency disable": func(ctx context.Context, a *app, o order) (outcome, error) {
		return outcome{}, a.clients.BarEmergency(ctx, o.Organization)
	},
	"emergency list": func(ctx context.Context, a *app, _ order) (outcome, error) {
		list, err := a.clients.EmergencyOrganizations(ctx)
		return outcome{Emergencies: list}, err
	},
	"keys list": func(ctx context.Context, a *app, _ order) (outcome, error) {
		keys, err := a.keys.List(ctx)
		return outcome{Keys: keys}, err
	},
	"keys rotate": func(ctx context.Context, a *app, o order) (outcome, error) {
		return outcome{}, a.keys.Rotate(ctx, o.Now)
	},
	"audit verify": func(ctx context.Context, a *app, o order) (outcome, error) { return a.verifyLog(ctx, o) },
	"import":       func(ctx context.Context, a *app, o order) (outcome, error) { return a.importOne(ctx, o) },
	"backup":       func(ctx context.Context, a *app, o order) (outcome, error) { return a.backup(ctx, o) },
	"export":       func(ctx context.Context, a *app, o order) (outcome, error) { return a.takeOut(ctx, o) },
	"audit export": func(ctx context.Context, a *app, o order) (outcome, error) { return a.exportLog(ctx, o) },
}

// obey is the operator of an opened store.
func (a *app) obey(ctx context.Context, o order) (outcome, error) {
	do, ok := orders[o.Do]
	if !ok {
		return outcome{}, errors.New("this server does not know the command; use the drieluik of the same release")
	}
	out, err := do(ctx, a, o)
	return out, plainError(err)
}

// storeFlags say which store a command works on.
type storeFlags struct {
	Store      string `default:"sqlite:./data" help:"Where data is kept: sqlite:FOLDER, or postgres://… (prefer DRIELUIK_STORE for one with a password)."`
	SecretFile string `type:"path" help:"auth.secretFile of the server's settings, where it names one; with PostgreSQL it must."`
}

// beginning are the orders that may be the first on a store; every other one is about what is there.
var beginning = []string{"client add", "client import", "client token", "user add", "emergency enable"}

// do carries out one order on the store: opened here, or through the server that has it.
func (s storeFlags) do(ctx context.Context, io streams, o order) (outcome, error) {
	if !slices.Contains(beginning, o.Do) {
		if err := s.existing(); err != nil {
			return outcome{}, err
		}
	}
	do, closeStore, err := s.open(ctx, io, settings{Signatures: "one"})
	if err != nil {
		return outcome{}, err
	}
	out, err := do(ctx, o)
	return out, errors.Join(err, closeStore())
}

// existing refuses an embedded store that is not there, which opening would make: a backup of it would be empty.
func (s storeFlags) existing() error {
	folder, embedded := strings.CutPrefix(s.Store, "sqlite:")
	if embedded && !exists(filepath.Join(folder, databaseFile)) {
		return usageError{fmt.Errorf("there is no store in %s; name its folder with --store sqlite:FOLDER or DRIELUIK_STORE", folder)}
	}
	return nil
}

// open returns who carries out orders on the store: this process with these settings, or the server that
// has it, with its own.
func (s storeFlags) open(ctx context.Context, io streams, set settings) (operator, func() error, error) {
	set.Store, set.SecretFile, set.Jurisdiction = s.Store, s.SecretFile, "nl"
	a, err := openApp(ctx, set, "http://127.0.0.1", commandLog(io.err))
	if errors.Is(err, store.ErrLocked) {
		return remote(socketPath(s.Store)), func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return a.obey, a.Close, nil
}

// socketPath is where a server with this store listens for orders.
func socketPath(storeFlag string) string {
	return filepath.Join(strings.TrimPrefix(storeFlag, "sqlite:"), "drieluik.sock")
}

// controlSocket begins to listen for orders. A folder whose path is too long for a socket goes without,
// nil: commands then ask to stop the server first. To PostgreSQL commands go by themselves.
func (a *app) controlSocket() net.Listener {
	if store.IsPostgres(a.settings.Store) {
		return nil
	}
	path := socketPath(a.settings.Store)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		a.log.Warn("no command socket", "error", err.Error())
		return nil
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		a.log.Warn("no command socket", "error", err.Error())
		return nil
	}
	return l
}

// control takes orders until ctx ends.
func (a *app) control(ctx context.Context, l net.Listener) {
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
		var err error
		if out, err = a.obey(r.Context(), o); err != nil {
			out.Failed = err.Error()
		}
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.log.Debug("command went away", "error", err.Error())
	}
}

// orderLimit is how long the longest order may take: the verification of a log of years.
const orderLimit = time.Hour

// remote is the operator behind the socket of a running server.
func remote(path string) operator {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: orderLimit}
	return func(ctx context.Context, o order) (outcome, error) {
		var out outcome
		body, err := json.Marshal(o)
		if err != nil {
			return out, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://drieluik/", bytes.NewReader(body))
		if err != nil {
			return out, err
		}
		res, err := client.Do(req)
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
}
