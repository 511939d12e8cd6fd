package conformance_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

// serverScope is the most that the clients of the flows without a browser may ask for with a user.
const serverScope = "launch/patient openid fhirUser offline_access patient/Patient.rs patient/CarePlan.rs"

// addServers registers the clients that run in Node and adds what they need to config: each has the
// URL of the app's host for its way back, which nothing has to serve.
func (d *demo) addServers(t *testing.T, config map[string]string) {
	t.Helper()
	back := config["app"] + "/node"
	for name, alg := range map[string]string{"keyES384": jose.ES384, "keyRS384": jose.RS384} {
		config[name] = d.makeKey(t, name, alg)
	}
	add := func(id string, args ...string) string {
		all := append([]string{"client", "add", "--store", "sqlite:" + d.dir, "--id", id, "--name", "Node " + id, "--org", "90000001"}, args...)
		_, secret, _ := strings.Cut(d.run(t, all...), "\n")
		return secret
	}
	withUser := func(id, kind string, args ...string) string {
		return add(id, append([]string{"--type", kind, "--redirect-uri", back, "--scope", serverScope}, args...)...)
	}
	for _, name := range []string{"keyES384", "keyRS384"} {
		add("backend-"+name, "--type", "backend", "--jwks", d.publicOf(name), "--scope", "system/Patient.rs system/CarePlan.rs")
	}
	add("medplum", "--type", "backend", "--jwks", d.publicOf("keyES384"), "--scope", "system/*.cruds", "--default-scope", "system/Patient.rs")
	withUser("server-jwt", "confidential", "--auth", "jwt", "--jwks", d.publicOf("keyES384"))
	withUser("fhirclient-jwt", "confidential", "--auth", "jwt", "--jwks", d.publicOf("keyES384"))
	withUser("bound", "public", "--dpop", "required", "--par", "required")
	maps.Copy(config, map[string]string{"serverBack": back, "serverSecret": withUser("server-secret", "confidential", "--auth", "secret")})
}

func (d *demo) publicOf(key string) string { return filepath.Join(d.dir, key+".jwks.json") }

// makeKey returns a new private JWK and writes the JWKS of its public half.
func (d *demo) makeKey(t *testing.T, name, alg string) string {
	t.Helper()
	k, err := jose.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.PublicSet(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.publicOf(name), public, 0o600); err != nil {
		t.Fatal(err)
	}
	private, err := k.Secret()
	if err != nil {
		t.Fatal(err)
	}
	return string(private)
}
