package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/drieluik/drieluik/conformance/check"
)

type checkCmd struct {
	URL      string   `arg:"" help:"Public URL of a running drieluik, such as https://host."`
	ClientID string   `help:"A registered backend client; without it only what needs no token is asked."`
	Key      string   `type:"path" help:"File with its private key (JWK)."`
	Scope    string   `default:"system/*.cruds" help:"Scope of the token."`
	Type     []string `help:"Resource type to go through; repeatable. Left out: interactions of all, parameters and data of a sample."`
	All      bool     `help:"Go through parameters and data of every declared type."`
	Write    bool     `help:"Let it create one fictional resource, change it and remove it again."`
	Requests int      `default:"30000" help:"Most requests that are sent."`
	Output   string   `default:"text" enum:"text,json" help:"text or json."`
}

// Help shows examples.
func (checkCmd) Help() string {
	return "Asks a running server, from outside, whether it keeps its contract: discovery, what the CapabilityStatement\ndeclares and what it does not, errors, reads and searches, pages. Nothing is written without --write; every\nrequest is in the server's log like that of any client. Exit 1 when a rule fails.\n\nExamples:\n  drieluik check https://drieluik.example\n  drieluik check http://127.0.0.1:8080 --client-id demo-homecare --key data/demo/demo-homecare.jwk.json\n  drieluik check https://drieluik.example --client-id c --key c.jwk.json --all --output json > report.json"
}

// Run asks the server and prints the report.
func (c checkCmd) Run(ctx context.Context, s streams) error {
	if (c.ClientID == "") != (c.Key == "") {
		return usageError{errors.New("give --client-id and --key together")}
	}
	o := check.Options{
		URL: c.URL, ClientID: c.ClientID, Scope: c.Scope, Types: c.Type, AllTypes: c.All, Write: c.Write, Requests: c.Requests,
	}
	if c.Key != "" {
		b, err := os.ReadFile(c.Key)
		if err != nil {
			return fmt.Errorf("cannot read %s; check the path", c.Key)
		}
		o.Key = b
	}
	report, err := check.Run(ctx, o)
	if errors.Is(err, check.ErrURL) || errors.Is(err, check.ErrKey) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if err := c.print(s, report); err != nil {
		return err
	}
	if n := report.Failures(); n > 0 {
		return fmt.Errorf("%d of %d rules do not hold; the report says what to do", n, len(report.Rules))
	}
	return nil
}

func (c checkCmd) print(s streams, report check.Report) error {
	if c.Output == "text" {
		return report.Print(s.out)
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
