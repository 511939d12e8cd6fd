package store

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// raiseOutbox keeps the places of notices growing after a store was restored into another cluster, which
// numbers its transactions from the beginning. The last notice is never removed.
func raiseOutbox(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `UPDATE kv SET value=convert_to(((o.last>>`+noticeBits+`)+1-x.now)::text,'UTF8')
		FROM (SELECT coalesce(max(seq),0) AS last FROM outbox) o, (SELECT pg_current_xact_id()::text::bigint AS now) x
		WHERE kv.key=$1 AND o.last>>`+noticeBits+` >= x.now+convert_from(kv.value,'UTF8')::bigint`, keyOutbox)
	return err
}

// pgPlace tells where a store stands: its cluster, the history of that cluster, which is another one after a
// standby took over or an archive was played back, and its table of settings, which is another one after a
// dump was restored.
const pgPlace = `SELECT s.system_identifier||'/'||('x'||left(pg_walfile_name(pg_current_wal_lsn()),8))::bit(32)::int||'/'||'kv'::regclass::oid
	FROM pg_control_system() s`

// pgSite is where a database stood when it was opened.
type pgSite struct {
	mu    sync.Mutex
	place string // "": not known yet
	left  chan struct{}
	gone  bool
}

// settle takes the place of a connection for that of the store.
func (s *pgSite) settle(ctx context.Context, c *pgx.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.QueryRow(ctx, pgPlace).Scan(&s.place)
}

// check refuses a new connection to another place.
func (s *pgSite) check(ctx context.Context, c *pgx.Conn) error {
	s.mu.Lock()
	was := s.place
	s.mu.Unlock()
	if was == "" {
		return nil
	}
	ctx, end := context.WithTimeout(ctx, connectLimit)
	defer end()
	var now string
	if err := c.QueryRow(ctx, pgPlace, pgx.QueryExecModeSimpleProtocol).Scan(&now); err != nil || now == was {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.gone = true
		close(s.left)
	}
	return ErrElsewhere
}

// elsewhere acts when the store has been brought to another place since it was opened last: what it holds may be
// older than what was told, and than what was withdrawn. The numbers of events are raised, and logins end. An
// operator who brings back the disk of a cluster says so by an empty value.
func elsewhere(ctx context.Context, tx pgx.Tx) error {
	var place string
	if err := tx.QueryRow(ctx, pgPlace).Scan(&place); err != nil {
		return err
	}
	var was []byte
	err := tx.QueryRow(ctx, `SELECT value FROM kv WHERE key=$1`, keyPlace).Scan(&was)
	known := err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	if err != nil || string(was) == place {
		return err
	}
	const save = `INSERT INTO kv VALUES($1,$2) ON CONFLICT(key) DO UPDATE SET value=excluded.value`
	if _, err := tx.Exec(ctx, save, keyPlace, []byte(place)); err != nil || !known {
		return err
	}
	var raised int64
	err = tx.QueryRow(ctx, `SELECT convert_from(value,'UTF8')::bigint FROM kv WHERE key=$1`, settingPrefix+exchange.RaisedKey).Scan(&raised)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	now := time.Now()
	for key, value := range map[string][]byte{
		exchange.RaisedKey: strconv.AppendInt(nil, exchange.Raised(raised, now), 10), LostKey: []byte(now.UTC().Format(time.RFC3339)),
	} {
		if _, err := tx.Exec(ctx, save, settingPrefix+key, value); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `DELETE FROM auth_state`)
	return err
}
