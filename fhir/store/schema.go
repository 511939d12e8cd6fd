package store

// schemaVersion is kept in kv under keySchema. A file of another version is refused.
const schemaVersion = "3"

// Keys in kv. Settings of the registry stand behind settingPrefix.
const (
	keySchema     = "schema"
	keyClock      = "clock" // last commit instant, milliseconds since 1970
	keyRid        = "rid"   // last number given to a resource
	settingPrefix = "setting/"
)

// schema lays out the file. Compartments, types, parameters and systems are integers (epoch.comp,
// dict.n), a resource is the integer rid. Everything about a child has its compartment first in
// the key. A body is a row of resource_version once, under the compartment that first kept it
// (home); resource_head and idx have rows in every compartment of the resource.
//
// locate.comps holds the compartments of the head rows and locate.keys the gidx rows of the current
// version, both to be undone by the next write. resource_version.facts is NULL for the current
// version, whose facts stand in resource_head. cust and author are organisations, 0 for others;
// author is 0 too when it is the custodian. idx.n numbers the rows of a resource, with the group of a
// composite's rows in front. audit.recorded_at is the offset of the instant in the body, with a checksum
// above it (offsetBits).
const schema = `
CREATE TABLE kv(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE dict(n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE epoch(comp INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
	n INTEGER NOT NULL, writes INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE locate(type INTEGER NOT NULL, id TEXT NOT NULL, rid INTEGER NOT NULL, home INTEGER NOT NULL,
	comps TEXT NOT NULL, keys TEXT, PRIMARY KEY(type,id)) WITHOUT ROWID;
CREATE TABLE resource_version(comp INTEGER NOT NULL, rid INTEGER NOT NULL, ver INTEGER NOT NULL,
	at INTEGER NOT NULL, op INTEGER NOT NULL, dict INTEGER NOT NULL, meta_at INTEGER NOT NULL,
	facts BLOB, body BLOB NOT NULL, PRIMARY KEY(comp,rid,ver));
CREATE TABLE resource_head(comp INTEGER NOT NULL, type INTEGER NOT NULL, rid INTEGER NOT NULL,
	id TEXT NOT NULL, ver INTEGER NOT NULL, at INTEGER NOT NULL, filed INTEGER NOT NULL,
	deleted INTEGER NOT NULL, vrow INTEGER NOT NULL, cust INTEGER NOT NULL, author INTEGER NOT NULL,
	pat TEXT NOT NULL, facts BLOB NOT NULL, PRIMARY KEY(comp,type,rid)) WITHOUT ROWID;
CREATE INDEX head_type ON resource_head(type,rid);
CREATE INDEX head_cust ON resource_head(type,cust,rid) WHERE cust>0;
CREATE INDEX head_author ON resource_head(type,author,rid) WHERE author>0;
CREATE TABLE idx(comp INTEGER NOT NULL, rid INTEGER NOT NULL, param INTEGER NOT NULL, n INTEGER NOT NULL,
	sys INTEGER NOT NULL, val TEXT NOT NULL, low REAL, high REAL, text TEXT,
	PRIMARY KEY(comp,rid,param,n)) WITHOUT ROWID;
CREATE TABLE gidx(type INTEGER NOT NULL, param INTEGER NOT NULL, val TEXT NOT NULL, sys INTEGER NOT NULL,
	comp INTEGER NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY(type,param,val,sys,comp,rid)) WITHOUT ROWID;
CREATE TABLE idem(comp INTEGER NOT NULL, key TEXT NOT NULL, ver INTEGER NOT NULL,
	hash BLOB NOT NULL, result BLOB NOT NULL, PRIMARY KEY(comp,key,ver)) WITHOUT ROWID;
CREATE TABLE audit(comp INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, prev BLOB NOT NULL,
	hash BLOB NOT NULL, dict INTEGER NOT NULL, recorded_at INTEGER NOT NULL, body BLOB NOT NULL,
	PRIMARY KEY(comp,seq));
CREATE TABLE outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, comp INTEGER NOT NULL, type INTEGER NOT NULL,
	id TEXT NOT NULL, ver INTEGER NOT NULL, kind TEXT NOT NULL);
CREATE TABLE lease(name TEXT PRIMARY KEY, holder TEXT NOT NULL, exp INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE auth_state(kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL,
	exp INTEGER NOT NULL, PRIMARY KEY(kind,key)) WITHOUT ROWID;
CREATE INDEX auth_state_exp ON auth_state(exp);
` + dueSchema

// dueSchema keeps when a rule of time must look at a child next: milliseconds since 1970, 0 for at once.
const dueSchema = `
CREATE TABLE due(comp INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE INDEX due_at ON due(at);
`

// What gidx.param says of a row that is not a search parameter of dict.
const (
	gidxIdentifier = -1 // Write.Identifiers: sys, value
	gidxParty      = -2 // Facts.Parties: "Type/id"
	gidxRecord     = -3 // source record key; type and rid are 0
	gidxStray      = -4 // patient or subject that is none of the resource's compartments: its id
)
