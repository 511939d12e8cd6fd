package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Make a local account for a parent, a child or a professional."`
	List    userListCmd    `cmd:"" help:"List the local accounts."`
	Enable  userEnableCmd  `cmd:"" help:"Take an account into use again."`
	Disable userDisableCmd `cmd:"" help:"Take an account out of use; its tokens die on the next request."`
	Passwd  userPasswdCmd  `cmd:"" help:"Set a new password, read from standard input."`
	Bind    userBindCmd    `cmd:"" help:"Bind an account to another RelatedPerson, Person, Patient or Practitioner."`
}

// person is the FHIR resource that an account stands for.
type person struct {
	FHIRUser string `name:"fhir-user" required:"" help:"RelatedPerson/ID, Person/ID, Patient/ID or Practitioner/ID."`
	Org      string `help:"Organisation of a Practitioner: SYSTEM|VALUE, or a URA number."`
	OrgName  string `help:"Name of the organisation; left out: kept."`
	Upstream string `placeholder:"PROVIDER" help:"Log in at this provider, found by its match, or as PROVIDER|SUBJECT; left out: kept."`
}

func (p person) binding() (smart.Binding, error) {
	ref, ok := fhir.ParseRef(p.FHIRUser)
	if !ok {
		return smart.Binding{}, usageError{errors.New("--fhir-user takes Type/ID, such as RelatedPerson/3f1a")}
	}
	return smart.Binding{FHIRUser: ref, Organization: organizationIdentifier(p.Org), OrganizationName: p.OrgName, Upstream: p.Upstream}, nil
}

type userAddCmd struct {
	storeFlags
	person
	Login         string `required:"" help:"Name to log in with."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input; without it the prompt asks."`
}

// Help shows an example.
func (userAddCmd) Help() string {
	return "Examples:\n  drieluik user add --login ouder --fhir-user RelatedPerson/3f1a --password-stdin < password.txt\n  drieluik user add --login zorgcoordinator --fhir-user Practitioner/77c0 --org 90000001 --password-stdin < password.txt\n  drieluik user add --login ouder2 --fhir-user RelatedPerson/9c2e --upstream burger"
}

// Run makes one account.
func (c userAddCmd) Run(ctx context.Context, s streams) error {
	b, err := c.binding()
	if err != nil {
		return err
	}
	password := ""
	if c.Upstream == "" || c.PasswordStdin { // who logs in elsewhere needs none
		if password, err = readPassword(s, !c.PasswordStdin); err != nil {
			return err
		}
	}
	out, err := c.do(ctx, s, order{Do: "user add", Login: c.Login, Password: password, Binding: b})
	if err == nil {
		fmt.Fprintln(s.out, out.ID)
	}
	return err
}

// readPassword reads one line of standard input.
func readPassword(s streams, ask bool) (string, error) {
	if ask {
		fmt.Fprint(s.err, "Password (shown as you type; --password-stdin reads it from a file): ")
	}
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if line == "" && err != nil {
		return "", errors.New("no password was given on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

type userListCmd struct{ storeFlags }

// Run prints a line per account.
func (c userListCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "user list"})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "LOGIN\tSTATUS\tFHIR USER\tORGANISATION\tLOGS IN AT")
	for _, u := range out.Users {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Login, u.Status, u.FHIRUser, u.Organization, u.Upstream)
	}
	return w.Flush()
}

// login names an account.
type login struct {
	Login string `arg:"" help:"Name to log in with."`
}

type userEnableCmd struct {
	storeFlags
	login
}

// Run takes an account into use again.
func (c userEnableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "user status", Login: c.Login, Status: smart.StatusActive})
	return err
}

type userDisableCmd struct {
	storeFlags
	login
}

// Run takes an account out of use.
func (c userDisableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "user status", Login: c.Login, Status: smart.StatusDisabled})
	return err
}

type userPasswdCmd struct {
	storeFlags
	login
}

// Run sets a new password.
func (c userPasswdCmd) Run(ctx context.Context, s streams) error {
	password, err := readPassword(s, false)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, s, order{Do: "user passwd", Login: c.Login, Password: password})
	return err
}

type userBindCmd struct {
	storeFlags
	login
	person
}

// Run binds an account to another person.
func (c userBindCmd) Run(ctx context.Context, s streams) error {
	b, err := c.binding()
	if err != nil {
		return err
	}
	_, err = c.do(ctx, s, order{Do: "user bind", Login: c.Login, Binding: b})
	return err
}
