package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

type clientCmd struct {
	Add       clientAddCmd       `cmd:"" help:"Register a system; prints its client id, and once its secret if it has one."`
	List      clientListCmd      `cmd:"" help:"List the registered systems."`
	Show      clientShowCmd      `cmd:"" help:"Print one registration as JSON."`
	Enable    clientEnableCmd    `cmd:"" help:"Take a system into use again."`
	Disable   clientDisableCmd   `cmd:"" help:"Take a system out of use; its tokens die on the next request."`
	Rotate    clientRotateCmd    `cmd:"" help:"Replace the secret or the keys of a system; prints the new secret once."`
	Import    clientImportCmd    `cmd:"" help:"Register or replace all systems of a clients.json, all or nothing."`
	Token     clientTokenCmd     `cmd:"" help:"Make a token with which apps register themselves."`
	Key       clientKeyCmd       `cmd:"" help:"Make a key for a system; prints the public half, for client add --jwks."`
	Assertion clientAssertionCmd `cmd:"" help:"Sign a client assertion with a private key, for curl: one use, five minutes."`
}

// plainError renders the issues of an error as sentences.
func plainError(err error) error {
	var e *fhir.Error
	if !errors.As(err, &e) || len(e.Issues) == 0 {
		return err
	}
	lines := make([]string, len(e.Issues))
	for i, issue := range e.Issues {
		lines[i] = strings.TrimSpace(issue.Expression + " " + issue.Text)
	}
	return errors.New(strings.Join(lines, "\n"))
}

type clientAddCmd struct {
	storeFlags
	ID            string   `help:"Client id; made when left out."`
	Name          string   `required:"" help:"Name as people see it."`
	Type          string   `required:"" enum:"backend,confidential,public" help:"backend, confidential or public."`
	Org           string   `help:"Identifier of the organisation: SYSTEM|VALUE, or a URA number."`
	OrgName       string   `help:"Name of the organisation; left out: kept, or the client name on a new one."`
	OrgType       []string `help:"Type of the organisation: CODE or SYSTEM|CODE; repeatable."`
	Scope         string   `default:"system/*.cruds" help:"The most it may ask for."`
	DefaultScope  string   `help:"Scope of a token request without one (backend)."`
	JWKS          string   `name:"jwks" type:"path" help:"File with its public keys."`
	JWKSURL       string   `name:"jwks-url" help:"URL of its public keys."`
	RedirectURI   []string `name:"redirect-uri" help:"Where the user goes back to; repeatable."`
	LaunchURI     []string `name:"launch-uri" help:"Where an EHR launch starts; repeatable."`
	Origin        []string `help:"Browser origin; repeatable."`
	Auth          string   `enum:",jwt,secret" default:"" help:"jwt or secret (confidential)."`
	Purpose       []string `help:"Purpose of use beyond the default of its role; repeatable."`
	AssertionAlg  []string `help:"Pin the algorithms of its assertions; repeatable."`
	MayLaunch     bool     `help:"May start EHR launches."`
	MayIntrospect bool     `help:"May introspect the tokens of others."`
	Admin         bool     `help:"Gives the role admin: the log and imports, no look at records."`
	SkipConsent   bool     `help:"No consent page for staff in an EHR launch."`
	Native        bool     `help:"Native app."`
	DPoP          string   `name:"dpop" enum:"off,optional,required" default:"optional" help:"off, optional or required: its tokens are bound to a key of its own."`
	PAR           string   `name:"par" enum:"optional,required" default:"optional" help:"optional or required: its authorisation requests must be pushed first."`
}

// Help shows an example.
func (clientAddCmd) Help() string {
	return "Example:\n  drieluik client add --name \"Hospital EHR\" --type backend --org 90000002 --org-name \"Ziekenhuis Voorbeeld\" --jwks keys.json"
}

// Run registers one client.
func (c clientAddCmd) Run(ctx context.Context, s streams) error {
	client, err := c.client()
	if err != nil {
		return usageError{err}
	}
	out, err := c.do(ctx, s, order{Do: "client add", Client: client})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, out.ID)
	if out.Secret != "" {
		fmt.Fprintln(s.out, out.Secret)
		fmt.Fprintln(s.err, "The second line is the secret; it is shown this once.")
	}
	return nil
}

func (c clientAddCmd) client() (smart.Client, error) {
	out := smart.Client{
		ID: c.ID, Name: c.Name, Type: c.Type, Scope: c.Scope, DefaultScope: c.DefaultScope, JWKSURI: c.JWKSURL,
		RedirectURIs: c.RedirectURI, LaunchURIs: c.LaunchURI, Origins: c.Origin, Purposes: c.Purpose,
		AssertionAlgs: c.AssertionAlg, MayLaunch: c.MayLaunch, MayIntrospect: c.MayIntrospect, Admin: c.Admin,
		SkipConsent: c.SkipConsent, Organization: organizationIdentifier(c.Org), OrganizationName: c.OrgName,
		OrganizationTypes: c.OrgType, DPoP: c.DPoP, RequirePushed: c.PAR == "required", Status: smart.StatusActive,
	}
	if c.Native {
		out.ApplicationType = "native"
	}
	switch c.Auth {
	case "jwt":
		out.AuthMethod = smart.AuthJWT
	case "secret":
		out.AuthMethod = smart.AuthBasic
	}
	if c.JWKS != "" {
		b, err := os.ReadFile(c.JWKS)
		if err != nil {
			return out, fmt.Errorf("cannot read %s; check the path", c.JWKS)
		}
		out.JWKS = b
	}
	return out, nil
}

// uraSystem is the naming system of URA numbers.
const uraSystem = "http://fhir.nl/fhir/NamingSystem/ura"

// organizationIdentifier completes a bare URA number to SYSTEM|VALUE.
func organizationIdentifier(s string) string {
	if s == "" || strings.Contains(s, "|") {
		return s
	}
	return uraSystem + "|" + s
}

type clientListCmd struct{ storeFlags }

// Run prints a line per client.
func (c clientListCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "client list"})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CLIENT\tTYPE\tSTATUS\tORGANISATION\tNAME")
	for _, cl := range out.Clients {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", cl.ID, cl.Type, cl.Status, cl.Organization, cl.Name)
	}
	return w.Flush()
}

type clientShowCmd struct {
	storeFlags
	ID string `arg:"" help:"Client id."`
}

// Run prints one registration; key sets are public keys, secrets are hashes.
func (c clientShowCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "client list"})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(out.Clients, func(cl smart.Client) bool { return cl.ID == c.ID })
	if i < 0 {
		return errors.New("there is no client of this id; drieluik client list shows them")
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(out.Clients[i])
}

type clientEnableCmd struct {
	storeFlags
	ID string `arg:"" help:"Client id."`
}

// Run takes a client into use again.
func (c clientEnableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "client status", Client: smart.Client{ID: c.ID}, Status: smart.StatusActive})
	return err
}

type clientDisableCmd struct {
	storeFlags
	ID string `arg:"" help:"Client id."`
}

// Run takes a client out of use.
func (c clientDisableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "client status", Client: smart.Client{ID: c.ID}, Status: smart.StatusDisabled})
	return err
}

type clientImportCmd struct {
	storeFlags
	File string `arg:"" help:"clients.json, or - for standard input."`
}

// Run registers all clients of a file.
func (c clientImportCmd) Run(ctx context.Context, s streams) error {
	b, err := readFile(c.File, s.in)
	if err != nil {
		return err
	}
	out, err := c.do(ctx, s, order{Do: "client import", File: b})
	if err == nil {
		fmt.Fprintf(s.err, "%d clients registered\n", out.Count)
	}
	return err
}
