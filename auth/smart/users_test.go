package smart_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

func TestUsersAddRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	right := smart.NewAccount{Login: "ouder3", Password: "correct horse battery", Binding: smart.Binding{FHIRUser: fhir.Ref{Type: "Person", ID: "p1"}}}
	rows := []struct {
		name   string
		change func(*smart.NewAccount)
		rule   string
	}{
		{"no login", func(n *smart.NewAccount) { n.Login = "" }, "user.login"},
		{"login with blanks", func(n *smart.NewAccount) { n.Login = "a b" }, "user.login"},
		{"login too long", func(n *smart.NewAccount) { n.Login = strings.Repeat("a", 65) }, "user.login"},
		{"short password", func(n *smart.NewAccount) { n.Password = "elf-tekens!" }, "user.password"},
		{"long password", func(n *smart.NewAccount) { n.Password = smart.Secret(strings.Repeat("x", 129)) }, "user.password"},
		{"password is the login", func(n *smart.NewAccount) { n.Login, n.Password = "ouder-drie-abc", "Ouder-Drie-ABC" }, "user.password"},
		{"practitioner of no organisation", func(n *smart.NewAccount) { n.FHIRUser.Type = "Practitioner" }, "user.organization"},
		{"practitioner of no identifier", func(n *smart.NewAccount) { n.FHIRUser.Type, n.Organization = "Practitioner", "90000001" }, "user.organization"},
		{"parent of an organisation", func(n *smart.NewAccount) { n.Organization = "urn:ura|90000001" }, "user.organization"},
		{"device", func(n *smart.NewAccount) { n.FHIRUser.Type = "Device" }, "user.fhirUser"},
		{"no binding", func(n *smart.NewAccount) { n.FHIRUser = fhir.Ref{} }, "user.fhirUser"},
		{"login taken", func(n *smart.NewAccount) { n.Login = "OUDER1" }, "user.login"},
	}
	for _, row := range rows {
		n := right
		row.change(&n)
		_, err := w.users.Add(t.Context(), n)
		var fault *fhir.Error
		if !errors.As(err, &fault) || len(fault.Issues) != 1 || fault.Issues[0].Diagnostics != row.rule {
			t.Errorf("%s: %v", row.name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), "a b")) {
			t.Errorf("%s: the error holds an input value", row.name)
		}
	}
	right.Demo, right.Password = true, "demo"
	if _, err := w.users.Add(t.Context(), right); err != nil {
		t.Errorf("the demo: %v", err)
	}
}

func TestUsersCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list, err := w.users.List(t.Context())
	check(t, err)
	if len(list) != 5 || list[0].Login != nurse || list[0].Organization != "urn:ura|90000001" || list[2].Login != "ouder1" || list[2].FHIRUser != parentRef || list[2].Organization != "" || list[2].Status != smart.StatusActive || list[2].Subject == "" {
		t.Errorf("%+v", list)
	}
	login := func(password string) bool {
		u := w.browser()
		u.get("/auth/apps")
		u.submit("login", "Ouder1 ", "password", password)
		return u.at == "/auth/apps"
	}
	check(t, w.users.Passwd(t.Context(), "ouder1", "een-heel-nieuw-wachtwoord"))
	if login(parentPass) || !login("een-heel-nieuw-wachtwoord") {
		t.Error("passwd")
	}
	check(t, w.users.Disable(t.Context(), "ouder1"))
	if login("een-heel-nieuw-wachtwoord") {
		t.Error("a disabled user logged in")
	}
	check(t, w.users.Enable(t.Context(), "ouder1"))
	if !login("een-heel-nieuw-wachtwoord") {
		t.Error("enable")
	}
	if err := w.users.Disable(t.Context(), "nobody"); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("%v", err)
	}
	if err := w.users.Passwd(t.Context(), "ouder1", "kort"); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("%v", err)
	}
	if err := w.users.Bind(t.Context(), "ouder1", smart.Binding{FHIRUser: fhir.Ref{Type: "Device", ID: "x"}}); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("%v", err)
	}
}

// costly are the accounts with the parameters of a server.
func (w *world) costly() *smart.Users {
	w.t.Helper()
	users, err := smart.NewUsers(smart.UsersConfig{Store: w.accounts, Clock: w.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), RegisterOrganization: registerOrganization})
	check(w.t, err)
	return users
}

func TestPasswordsAreKeptAsArgon2id(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := w.costly()
	check(t, users.Passwd(t.Context(), parentLogin, parentPass+"!"))
	rows, err := w.accounts.Settings(t.Context(), "user/")
	check(t, err)
	for _, row := range rows {
		if !strings.Contains(string(row), `"ouder1"`) {
			continue
		}
		if !strings.Contains(string(row), `"$argon2id$v=19$m=65536,t=3,p=4$`) || strings.Contains(string(row), parentPass) {
			t.Errorf("%s", row)
		}
	}
}

func TestSMART312_TooManyWrongPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	for range 30 {
		if u.submit("login", "nobody", "password", "x"); u.page.status != 200 || !strings.Contains(u.page.body, "Inloggen is niet gelukt.") {
			t.Fatalf("%d %s", u.page.status, u.page.body)
		}
	}
	u.submit("login", "Nobody", "password", "x")
	if u.page.status != 429 || u.page.header.Get("Retry-After") == "" || !strings.Contains(u.page.body, "Te veel pogingen.") {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
	u.login(parentLogin)
	if !strings.HasPrefix(u.at, "/auth/child") {
		t.Error("one login locked out another")
	}
	w.advance(5 * time.Minute)
}

func TestWrongLoginsSayTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check(t, w.users.Disable(t.Context(), "ouder2"))
	bodies := map[string]bool{}
	for login, password := range map[string]string{"ouder1": "wrong-wrong-wrong", "nobody": parentPass, "ouder2": parentPass, "": "", "a b": "x"} {
		u := w.browser()
		u.authorize()
		form := u.fields()
		u.submit("login", login, "password", password)
		body := u.page.body
		for _, v := range form {
			body = strings.ReplaceAll(body, v[0], "")
		}
		bodies[body] = true
	}
	if len(bodies) != 1 {
		t.Errorf("%d different pages", len(bodies))
	}
}

func TestABoundedQueueOfHashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := w.costly()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy := 0
	for range 90 {
		wg.Go(func() {
			err := users.Passwd(ctx, parentLogin, "een-heel-nieuw-wachtwoord")
			mu.Lock()
			defer mu.Unlock()
			if err != nil && strings.Contains(err.Error(), "too many logins") {
				if busy++; busy == 1 {
					cancel() // empties the queue
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if busy == 0 {
		t.Error("90 hashes at once were all queued")
	}
}
