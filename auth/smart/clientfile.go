package smart

import (
	"encoding/json"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// member is one row of the table of clients.json: where its value goes.
type member struct {
	name string
	kind string // text of the fault when the JSON type is another
	read func(*Client, fhir.Node) bool
}

func textMember(name string, at func(*Client) *string) member {
	return member{name, "must be a string", func(c *Client, n fhir.Node) bool {
		*at(c) = n.Text()
		return n.Shape() == fhir.String
	}}
}

func listMember(name string, at func(*Client) *[]string) member {
	return member{name, "must be an array of strings", func(c *Client, n fhir.Node) bool {
		if n.Shape() != fhir.Array {
			return false
		}
		for item := range n.Children() {
			if item.Shape() != fhir.String {
				return false
			}
			*at(c) = append(*at(c), item.Text())
		}
		return true
	}}
}

func flagMember(name string, at func(*Client) *bool) member {
	return member{name, "must be true or false", func(c *Client, n fhir.Node) bool {
		*at(c) = n.Text() == "true"
		return n.Shape() == fhir.Bool
	}}
}

// clientMembers is the member table of smart.md 1.
func clientMembers() []member {
	return []member{
		textMember("client_id", func(c *Client) *string { return &c.ID }),
		textMember("client_name", func(c *Client) *string { return &c.Name }),
		textMember("client_name#nl", func(c *Client) *string { return &c.NameNL }),
		textMember("client_name#sv", func(c *Client) *string { return &c.NameSV }),
		textMember("client_name#en", func(c *Client) *string { return &c.NameEN }),
		textMember("type", func(c *Client) *string { return &c.Type }),
		textMember("token_endpoint_auth_method", func(c *Client) *string { return &c.AuthMethod }),
		textMember("application_type", func(c *Client) *string { return &c.ApplicationType }),
		listMember("grant_types", func(c *Client) *[]string { return &c.GrantTypes }),
		listMember("redirect_uris", func(c *Client) *[]string { return &c.RedirectURIs }),
		listMember("launch_uris", func(c *Client) *[]string { return &c.LaunchURIs }),
		listMember("origins", func(c *Client) *[]string { return &c.Origins }),
		textMember("scope", func(c *Client) *string { return &c.Scope }),
		textMember("default_scope", func(c *Client) *string { return &c.DefaultScope }),
		textMember("required_scope", func(c *Client) *string { return &c.RequiredScope }),
		{"jwks", "must be an object", func(c *Client, n fhir.Node) bool {
			c.JWKS = json.RawMessage(n.Raw())
			return n.Shape() == fhir.Object
		}},
		textMember("jwks_uri", func(c *Client) *string { return &c.JWKSURI }),
		listMember("client_secret_sha256", func(c *Client) *[]string { return &c.SecretHashes }),
		listMember("assertion_algs", func(c *Client) *[]string { return &c.AssertionAlgs }),
		textMember("organization", func(c *Client) *string { return &c.Organization }),
		textMember("organization_name", func(c *Client) *string { return &c.OrganizationName }),
		listMember("organization_type", func(c *Client) *[]string { return &c.OrganizationTypes }),
		listMember("purposes", func(c *Client) *[]string { return &c.Purposes }),
		flagMember("may_launch", func(c *Client) *bool { return &c.MayLaunch }),
		flagMember("may_introspect", func(c *Client) *bool { return &c.MayIntrospect }),
		flagMember("admin", func(c *Client) *bool { return &c.Admin }),
		flagMember("skip_consent", func(c *Client) *bool { return &c.SkipConsent }),
		textMember("dpop", func(c *Client) *string { return &c.DPoP }),
		flagMember("require_pushed_authorization_requests", func(c *Client) *bool { return &c.RequirePushed }),
		textMember("status", func(c *Client) *string { return &c.Status }),
	}
}

// clientIssue is one fault of a registration. pointer is the JSON pointer of the member.
func clientIssue(pointer, rule, text string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: "invalid", Expression: pointer, Diagnostics: rule, Text: text}
}

// parseClients reads clients.json and returns every fault at once. Plain secrets and unknown
// members are refused.
func parseClients(src []byte) ([]Client, []fhir.Issue) {
	doc, issues := fhir.ParseDocument(src, fhir.Limits{})
	if doc == nil || fhir.HasErrors(issues) {
		return nil, issues
	}
	for n := range doc.Root().Children() {
		if n.Name() != "clients" {
			issues = append(issues, clientIssue(n.Pointer(), "client.member", "only the member clients is known here"))
		}
	}
	list := doc.Root().Member("clients")
	if list.Shape() != fhir.Array {
		return nil, append(issues, clientIssue("/clients", "client.member", "clients must be an array"))
	}
	rows := map[string]member{}
	for _, m := range clientMembers() {
		rows[m.name] = m
	}
	var clients []Client
	first := map[string]bool{}
	for n := range list.Children() {
		c, found := parseClient(n, rows)
		issues = append(issues, found...)
		if len(found) == 0 {
			issues = append(issues, checkClient(n.Pointer(), c)...)
		}
		if c.ID != "" && first[c.ID] {
			issues = append(issues, clientIssue(n.Pointer()+"/client_id", "client.client_id", "this client_id occurs twice in the file"))
		}
		first[c.ID] = true
		clients = append(clients, c)
	}
	return clients, issues
}

func parseClient(n fhir.Node, rows map[string]member) (Client, []fhir.Issue) {
	var c Client
	if n.Shape() != fhir.Object {
		return c, []fhir.Issue{clientIssue(n.Pointer(), "client.member", "a client must be an object")}
	}
	var issues []fhir.Issue
	for v := range n.Children() {
		row, known := rows[v.Name()]
		switch {
		case v.Name() == "client_secret":
			issues = append(issues, clientIssue(v.Pointer(), "client.client_secret", "plain secrets are refused: send client_secret_sha256"))
		case !known:
			issues = append(issues, clientIssue(n.Pointer(), "client.member", "a member is not known; see the table of clients.json"))
		case !row.read(&c, v):
			issues = append(issues, clientIssue(v.Pointer(), "client."+row.name, row.kind))
		}
	}
	return c.withDefaults(), issues
}

func pointerTo(base, name string, index int) string {
	p := base + "/" + name
	if index >= 0 {
		p += "/" + strconv.Itoa(index)
	}
	return p
}
