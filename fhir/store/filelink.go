package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// maxPrepared bounds the statements that one connection keeps prepared. The texts of searches have
// no end; when there are too many, all are let go.
const maxPrepared = 64

// fileLink is a SQLite connection with its prepared statements. It talks to the driver itself: the pool, the locks
// and the conversions of database/sql would be a sixteenth of the processor's time under load, and a second copy of
// each body.
type fileLink struct {
	c      driver.Conn
	stmts  map[string]*fileStmt
	values []driver.NamedValue // of the statement that begins: the driver binds them and lets them go
}

// fileStmt is a prepared statement.
type fileStmt struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

var errDriver = errors.New("driver of SQLite lacks what the store needs")

func newConn(ctx context.Context, db driver.Connector) (*conn, error) {
	c, err := db.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &conn{&fileLink{c: c, stmts: map[string]*fileStmt{}}, &fileDialect}, nil
}

func (c *fileLink) close() error { return errors.Join(c.forget(), c.c.Close()) }

// forget lets all prepared statements go.
func (c *fileLink) forget() error {
	var errs []error
	for query, s := range c.stmts {
		errs = append(errs, s.Close())
		delete(c.stmts, query)
	}
	return errors.Join(errs...)
}

// script runs statements that come as one text.
func (c *fileLink) script(ctx context.Context, text string) error {
	x, ok := c.c.(driver.ExecerContext)
	if !ok {
		return errDriver
	}
	_, err := x.ExecContext(ctx, text, nil)
	return err
}

// stmt returns query prepared.
func (c *fileLink) stmt(ctx context.Context, query string) (*fileStmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxPrepared {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	x, ok := c.c.(driver.ConnPrepareContext)
	if !ok {
		return nil, errDriver
	}
	made, err := x.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &fileStmt{Stmt: made}
	var runs, asks bool
	s.exec, runs = made.(driver.StmtExecContext)
	s.query, asks = made.(driver.StmtQueryContext)
	if !runs || !asks {
		return nil, errors.Join(errDriver, made.Close())
	}
	c.stmts[query] = s
	return s, nil
}

// ready returns query prepared, and the values that it is run with. They serve until done.
func (c *fileLink) ready(ctx context.Context, query string, args []any) (*fileStmt, []driver.NamedValue, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	c.values, err = appendBound(c.values[:0], args)
	return s, c.values, err
}

// done lets go what was bound.
func (c *fileLink) done() { clear(c.values) }

func (c *fileLink) exec(query string, args ...any) error {
	_, err := c.run(query, args)
	return err
}

func (c *fileLink) run(query string, args []any) (driver.Result, error) {
	ctx := context.Background()
	defer c.done()
	s, values, err := c.ready(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return s.exec.ExecContext(ctx, values)
}

func (c *fileLink) change(query string, args ...any) (int64, error) {
	r, err := c.run(query, args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// rows runs a query. Whoever asked closes what it returns.
func (c *fileLink) rows(ctx context.Context, query string, args []any) (driver.Rows, error) {
	defer c.done()
	s, values, err := c.ready(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return s.query.QueryContext(ctx, values)
}

func (c *fileLink) one(query string, args []any, dst ...any) (bool, error) {
	rows, err := c.rows(context.Background(), query, args)
	if err != nil {
		return false, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	switch err = rows.Next(row); {
	case errors.Is(err, io.EOF):
		return false, rows.Close()
	case err == nil:
		err = scanRow(row, dst)
	}
	err = errors.Join(err, rows.Close())
	return err == nil, err
}

func (c *fileLink) each(ctx context.Context, f func(scan func(...any) error) error, query string, args ...any) (err error) {
	rows, err := c.rows(ctx, query, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	scan := func(dst ...any) error { return scanRow(row, dst) }
	for {
		if err := rows.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(scan); err != nil {
			return err
		}
	}
}

// appendBound adds args as the driver takes them.
func appendBound(values []driver.NamedValue, args []any) ([]driver.NamedValue, error) {
	for i, arg := range args {
		value := driver.NamedValue{Ordinal: i + 1, Value: arg}
		switch v := arg.(type) {
		case nil, int64, float64, bool, string, []byte:
		case int:
			value.Value = int64(v)
		default:
			var err error
			if value.Value, err = driver.DefaultParameterConverter.ConvertValue(arg); err != nil {
				return values, fmt.Errorf("value %d of a statement: %w", i+1, err)
			}
		}
		values = append(values, value)
	}
	return values, nil
}

var (
	errColumns = errors.New("a row has another number of columns than are asked for")
	errKind    = errors.New("a column has no value, or one of another kind")
)

// scanRow puts a row where dst points.
func scanRow(row []driver.Value, dst []any) error {
	if len(row) != len(dst) {
		return errColumns
	}
	for i, value := range row {
		if err := scanValue(value, dst[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func scanValue(value driver.Value, dst any) error {
	switch d := dst.(type) {
	case *int64:
		return scanInto(value, d)
	case *string:
		return scanInto(value, d)
	case *float64:
		return scanInto(value, d)
	case *int:
		if n, ok := value.(int64); ok && int64(int(n)) == n {
			*d = int(n)
			return nil
		}
		return scanInto(value, d)
	case *bool:
		if n, ok := value.(int64); ok {
			*d = n != 0
			return nil
		}
		return scanInto(value, d)
	case *[]byte:
		if value == nil {
			*d = nil
			return nil
		}
		return scanInto(value, d)
	case *any:
		*d = value
		return nil
	}
	return fmt.Errorf("nothing is read into a %T", dst)
}

// scanInto takes a value as it is, or as database/sql would convert it.
func scanInto[T any](value driver.Value, dst *T) error {
	if v, ok := value.(T); ok {
		*dst = v
		return nil
	}
	var n sql.Null[T]
	if err := n.Scan(value); err != nil || !n.Valid { // its text would tell the value
		return errKind
	}
	*dst = n.V
	return nil
}
