package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// demoText is what the demo prints when it is ready. Every line that is no comment can be pasted.
var demoText = template.Must(template.New("demo").Funcs(template.FuncMap{"quote": quote}).Parse(`
drieluik demo is running. Ctrl-C ends it.

  FHIR base     {{.Base}}/fhir
  Capabilities  {{.Base}}/fhir/metadata
  Parents' page {{.Base}}/app/
  Data          {{.Data}}
  Private keys  {{.HospitalKey}}
                {{.HomecareKey}}

  Secret        {{.ViewerSecret}} (client demo-viewer)

  Logins        ouder1, ouder2 (parents of Boris), sanne (13, reads her own plan),
                zorgcoordinator (care coordinator of Boris, home care), password demo
                Everybody knows this password: never open this demo to a network.

Everybody in this data is fictional. Paste these lines into a second terminal.

# 1. A token for the hospital (demo-hospital)
HOSPITAL=$(curl -s {{.Base}}/auth/token -d grant_type=client_credentials -d 'scope={{.Scope}}' -d client_assertion_type={{.AssertionType}} -d client_assertion="$({{quote .Binary}} client assertion --client-id demo-hospital --key {{quote .HospitalKey}} --audience {{.Base}}/auth/token)" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# 2. The hospital pushes a transfer: a new version of the one that is stored
curl -s '{{.Base}}/fhir/$submit' -H "Authorization: Bearer $HOSPITAL" -H 'Content-Type: application/json' --data-binary @{{quote .Transfer}}

# 3. A token for home care (demo-homecare)
HOMECARE=$(curl -s {{.Base}}/auth/token -d grant_type=client_credentials -d 'scope={{.Scope}}' -d client_assertion_type={{.AssertionType}} -d client_assertion="$({{quote .Binary}} client assertion --client-id demo-homecare --key {{quote .HomecareKey}} --audience {{.Base}}/auth/token)" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# 4. Home care pulls the active care plan of the child
curl -s '{{.Base}}/fhir/CarePlan?patient={{.Patient}}&status=active&_count=20' -H "Authorization: Bearer $HOMECARE"

# 5. Home care pulls the transfer
curl -s '{{.Base}}/fhir/Composition/{{.Composition}}' -H "Authorization: Bearer $HOMECARE"

# 6. Home care wants to be told of transfers: any program that takes a POST at this address and answers 200 (docs/pull.md)
curl -s '{{.Base}}/fhir/Subscription' -H "Authorization: Bearer $HOMECARE" -H 'Content-Type: application/fhir+json' -d '{"resourceType":"Subscription","status":"requested","reason":"Transfers to us","criteria":"{{.Topic}}","channel":{"type":"rest-hook","endpoint":"http://127.0.0.1:9090/","payload":"application/fhir+json"}}'; echo

# 7. The home-care system starts an app at the child: open the printed address and log in as zorgcoordinator
curl -s {{.Base}}/auth/launch -H "Authorization: Bearer $(curl -s {{.Base}}/auth/token -d grant_type=client_credentials -d scope=drieluik/launch -d client_assertion_type={{.AssertionType}} -d client_assertion="$({{quote .Binary}} client assertion --client-id demo-homecare --key {{quote .HomecareKey}} --audience {{.Base}}/auth/token)" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')" -H 'Content-Type: application/json' -d '{"client_id":"demo-viewer","patient":"Patient/{{.Patient}}","user":"{{.Coordinator}}"}' | sed 's/.*"launch_url":"\([^"]*\)".*/\1/'; echo

`))

// print writes the curl lines.
func (d *demo) print(w io.Writer) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find my own program file: %w", err)
	}
	return demoText.Execute(w, map[string]string{
		"Base": d.base, "Data": d.dir, "Scope": backendScope, "AssertionType": jose.AssertionType, "Binary": binary,
		"HospitalKey": d.keyFile("demo-hospital"), "HomecareKey": d.keyFile("demo-homecare"),
		"ViewerSecret": d.secretFile(), "Coordinator": d.logins[coordinatorLogin].String(),
		"Topic": subscription.Topics()[0].URL, "Transfer": d.transferFile(), "Patient": d.patient, "Composition": d.transfer,
	})
}

// quote makes a path safe to paste into a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
