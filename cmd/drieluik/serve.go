package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/drieluik/drieluik/fhir/store"
)

type serveCmd struct {
	settings
	Check bool `help:"Print the effective settings and all faults, then stop."`
}

// Help shows examples.
func (serveCmd) Help() string {
	return "Examples:\n  drieluik serve --store sqlite:/var/lib/drieluik --base-url https://drieluik.example --behind-proxy --listen 127.0.0.1:8080\n  drieluik serve --config drieluik.yaml --check"
}

// Run serves until the process is told to stop.
func (c serveCmd) Run(ctx context.Context, s streams) error {
	faults := c.faults()
	if c.Check {
		if err := c.print(s); err != nil {
			return err
		}
	}
	if len(faults) > 0 {
		return usageError{errors.New(strings.Join(faults, "; "))}
	}
	if c.Check {
		return nil
	}
	log := c.logger(s.err)
	for {
		err := c.serve(ctx, log)
		if !errors.Is(err, store.ErrElsewhere) || ctx.Err() != nil {
			return err
		}
		log.Warn("the database stands elsewhere: beginning anew")
	}
}

// serve opens the store and serves it until the process is told to stop, or the store is not what it was.
func (c serveCmd) serve(ctx context.Context, log *slog.Logger) error {
	l, base, err := listen(c.settings)
	if err != nil {
		return err
	}
	defer l.Close()
	operator, err := adminListener(c.settings)
	if err != nil {
		return err
	}
	if operator != nil {
		defer operator.Close()
	}
	a, err := openApp(ctx, c.settings, base, log)
	if err != nil {
		return err
	}
	if err := a.store.Exclusive(ctx, "clients", a.importClients); err != nil && !skewed(err) {
		return errors.Join(err, a.Close())
	}
	operators, end := context.WithCancel(ctx)
	defer end()
	if operator != nil {
		log.Info("operators", "metrics", "http://"+operator.Addr().String()+"/metrics")
		go a.admin(operators, operator)
	}
	ready := func() { log.Info("ready", "base", base+"/fhir", "release", release) }
	return errors.Join(a.serve(ctx, l, ready), a.Close())
}

// print writes the settings as a --config file would hold them.
func (c serveCmd) print(s streams) error {
	b, err := yaml.Marshal(map[string]any{
		"listen": c.Listen, "admin-listen": c.AdminListen, "base-url": c.BaseURL, "store": maskedStore(c.Store), "secret-file": c.SecretFile, "processes": c.Processes, "redis": masked(c.Redis), "behind-proxy": c.BehindProxy,
		"tls-cert": c.TLSCert, "tls-key": c.TLSKey, "jurisdiction": c.Jurisdiction,
		"parent-read-12-15": c.ParentRead1215, "signatures": c.Signatures, "package": c.Package, "validate": c.Validate, "upstream": c.Upstream, "max-body": c.MaxBody, "notify-private-host": c.NotifyHosts,
		"dpop": c.DPoP, "par": c.PAR, "register": c.Register, "audit-retention": c.AuditRetention, "cache-size": c.CacheSize, "otlp-endpoint": maskedEndpoint(c.OTLPEndpoint),
		"auth": authBlock{Settings: c.auth(), Clients: c.Auth.Clients, Upstream: c.Auth.Upstream}, "coordination": c.Coordination, "log-level": c.LogLevel, "log-format": c.LogFormat,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, string(b))
	return err
}
