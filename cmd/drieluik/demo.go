package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

type demoCmd struct {
	Listen string `default:"127.0.0.1:8080" help:"Address to listen on; port 0 picks one."`
	Data   string `type:"path" help:"Data folder; left out: a fresh temporary one."`
}

// Help says what the demo shows.
func (demoCmd) Help() string {
	return "Starts a server on an embedded store, loads the sample children through the real push path,\nregisters two systems and prints curl lines to paste. Ends with Ctrl-C.\n\nExample:\n  drieluik demo --listen 127.0.0.1:0"
}

// demoClient is one system of the demo.
type demoClient struct {
	id, name, org, orgName, orgType string
	launches                        bool // may start apps at a child
}

// demoClients are those of the contract: a hospital that pushes, a home-care organisation that pulls.
var demoClients = []demoClient{
	{"demo-hospital", "Hospital EHR (demo)", "90000002", "Ziekenhuis Voorbeeld", "ziekenhuis", false},
	{"demo-homecare", "Home-care system (demo)", "90000001", "Kinderthuiszorg Voorbeeld", "thuiszorg", true},
}

// Run starts the demo and serves until the process is told to stop.
func (c demoCmd) Run(ctx context.Context, s streams) error {
	dir, err := dataFolder(c.Data)
	if err != nil {
		return err
	}
	set := settings{
		Listen: c.Listen, Store: "sqlite:" + dir, Jurisdiction: "nl", ParentRead1215: "require-child-permit",
		Signatures: "one", MaxBody: "5MB", DPoP: true, PAR: true, LogLevel: "warn", LogFormat: "text",
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !loopback(host) {
		return usageError{errors.New("the demo listens on loopback alone, such as 127.0.0.1:8080")}
	}
	l, base, err := listen(set)
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := openApp(ctx, set, base, set.logger(s.err))
	if err != nil {
		return err
	}
	a.parentApp = parentApp
	d := &demo{app: a, dir: filepath.Join(dir, "demo"), base: base, progress: s.err, http: demoHTTP(base), logins: map[string]fhir.Ref{}}
	serving, stop := context.WithCancel(ctx)
	failed := make(chan error, 1)
	if err := d.register(ctx); err != nil {
		stop()
		return errors.Join(err, a.Close())
	}
	go func() { failed <- a.serve(serving, l, func() {}) }()
	if err = d.load(ctx); err == nil {
		err = d.print(s.out)
	}
	if err != nil {
		stop()
	}
	return errors.Join(err, <-failed, stopped(stop), a.Close())
}

// stopped ends what cancel ends and reports no error.
func stopped(cancel context.CancelFunc) error {
	cancel()
	return nil
}

// parentApp is the client id of the parents' app in the demo.
const parentApp = "demo-parent-app"

// parentScope is the most that the parents' app may ask for: reading, type by type.
func parentScope() string {
	scope := "launch/patient openid fhirUser offline_access patient/Patient.rs"
	for _, t := range []string{
		"CarePlan", "Goal", "CareTeam", "ServiceRequest", "Task", "NutritionOrder", "DeviceUseStatement", "Device",
		"QuestionnaireResponse", "Condition", "Observation", "AllergyIntolerance", "Flag", "Composition",
		"DocumentReference", "Encounter", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization",
		"Appointment", "Communication", "Consent", "AuditEvent", "Provenance",
	} {
		scope += " patient/" + t + ".rs"
	}
	return scope
}

// demo fills a server with the sample story.
type demo struct {
	app      *app
	dir      string // keys and documents to push
	base     string
	progress io.Writer
	http     *demoCaller
	patient  string              // id of boris
	transfer string              // id of his Composition
	logins   map[string]fhir.Ref // who each login stands for
}

// register makes keys and registrations. An existing key is kept, so that --data can be used again.
func (d *demo) register(ctx context.Context) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	var clients []smart.Client
	for _, c := range demoClients {
		key, err := d.key(c.id)
		if err != nil {
			return err
		}
		jwks, err := jose.PublicSet(key)
		if err != nil {
			return err
		}
		clients = append(clients, smart.Client{
			ID: c.id, Name: c.name, Type: smart.TypeBackend, AuthMethod: smart.AuthJWT,
			GrantTypes: []string{smart.GrantCredentials}, Scope: backendScope + " drieluik/launch", JWKS: jwks, MayLaunch: c.launches,
			Organization: organizationIdentifier(c.org), OrganizationName: c.orgName,
			OrganizationTypes: []string{c.orgType}, Status: smart.StatusActive,
		})
	}
	clients = append(clients, smart.Client{
		ID: parentApp, Name: "Ouder-app (demo)", Type: smart.TypePublic, AuthMethod: smart.AuthNone,
		GrantTypes: []string{smart.GrantCode, smart.GrantRefresh}, RedirectURIs: []string{d.base + "/app/"},
		Scope:        parentScope(),
		Organization: organizationIdentifier("90000001"), OrganizationName: "Kinderthuiszorg Voorbeeld", Status: smart.StatusActive,
	})
	viewing, err := d.viewerRegistration()
	if err != nil {
		return err
	}
	clients = append(clients, viewing)
	file, err := json.Marshal(map[string]any{"clients": clients})
	if err != nil {
		return err
	}
	_, err = d.app.clients.Import(ctx, file)
	return plainError(err)
}

func (d *demo) keyFile(client string) string { return filepath.Join(d.dir, client+".jwk.json") }

// key reads the private key of a demo client, or makes it.
func (d *demo) key(client string) (*jose.PrivateKey, error) {
	if b, err := os.ReadFile(d.keyFile(client)); err == nil {
		return jose.ParsePrivateKey(b)
	}
	key, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		return nil, err
	}
	return key, writeKey(d.keyFile(client), key)
}

// load pushes the records of the sample child, each by the organisation that made it, with dates
// moved so that the story's today is the day of the folder's first demo.
func (d *demo) load(ctx context.Context) error {
	days, err := d.storyDays(time.Now())
	if err != nil {
		return err
	}
	records, err := storyRecords(days)
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	for _, c := range demoClients {
		secret, err := os.ReadFile(d.keyFile(c.id))
		if err != nil {
			return err
		}
		text, err := assertion(secret, c.id, d.base+"/auth/token", time.Now())
		if err != nil {
			return err
		}
		if tokens[c.org], err = d.http.token(ctx, text); err != nil {
			return err
		}
	}
	for _, r := range records {
		name := r.Child + "/" + r.File
		made, err := d.http.push(ctx, tokens[r.Sender], r.Doc)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(d.progress, "  %-50s %d resources\n", name, len(made))
		d.remember(r.Child, made)
	}
	id, err := d.coordinator(ctx, records, tokens[homeCareURA])
	if err != nil {
		return err
	}
	d.logins[coordinatorLogin] = fhir.Ref{Type: "Practitioner", ID: id}
	if err := d.accounts(ctx); err != nil {
		return err
	}
	return d.writeTransfer(records)
}

// accounts makes the logins, with the password that the demo prints.
func (d *demo) accounts(ctx context.Context) error {
	for _, login := range demoLogins {
		who, known := d.logins[login]
		if !known {
			return fmt.Errorf("the story has nobody for the login %s", login)
		}
		b := smart.Binding{FHIRUser: who}
		if who.Type == "Practitioner" {
			b.Organization = organizationIdentifier(homeCareURA)
		}
		_, err := d.app.users.Add(ctx, smart.NewAccount{Login: login, Password: demoPassword, Binding: b, Demo: true})
		if err != nil && fhir.KindOf(err) != fhir.Conflict { // Conflict: made by an earlier demo on this folder
			return plainError(err)
		}
	}
	return nil
}

// demoLogins are the accounts: both parents of boris, sanne herself, and the care coordinator of boris.
// demoPassword is theirs, known to everybody.
var demoLogins = []string{"ouder1", "ouder2", "sanne", coordinatorLogin}

const (
	demoPassword     = "demo"
	coordinatorLogin = "zorgcoordinator" // also the function in the record
	homeCareURA      = "90000001"
)

// remember keeps the ids that the curl lines and the logins name.
func (d *demo) remember(child string, made []string) {
	for _, made := range made {
		kind, id := splitRef(made)
		ref := fhir.Ref{Type: fhir.Type(kind), ID: id}
		switch {
		case child == "sanne" && kind == "Patient":
			d.logins["sanne"] = ref
		case child != "boris":
		case kind == "Patient":
			d.patient = id
		case kind == "Composition":
			d.transfer = id
		case kind == "RelatedPerson" && d.logins["ouder1"].IsZero(): // the record names the parents first
			d.logins["ouder1"] = ref
		case kind == "RelatedPerson" && d.logins["ouder2"].IsZero():
			d.logins["ouder2"] = ref
		}
	}
}
