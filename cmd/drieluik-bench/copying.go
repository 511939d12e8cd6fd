package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// copied measures what COPY allows: the rows of C7, those of 32 units in a transaction, on a connection for each
// processor.
func (s *shared) copied(ctx context.Context, long time.Duration) (float64, error) {
	pool, err := pgxpool.New(ctx, s.pg.Address())
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	body := bytes.Repeat([]byte{0xA5}, bareStored)
	f := drive(ctx, runtime.GOMAXPROCS(0), long, os.Getpid(), func(ctx context.Context, w *worker) (int, error) {
		resources, index := make([][]any, 0, bareGroup), make([][]any, 0, bareGroup*bareIndex)
		for range bareGroup {
			child, id := bareChild(w.rnd.IntN(1000)), fmt.Sprintf("copy-%d-%d", w.n, w.rnd.Uint64())
			resources = append(resources, []any{child, "CarePlan", id, int32(1), body})
			for k := range bareIndex {
				index = append(index, []any{child, "CarePlan", "activity-code", fmt.Sprint(100000 + k), id})
			}
		}
		return bareGroup, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"bare", "r"}, []string{"comp", "type", "id", "ver", "body"}, pgx.CopyFromRows(resources))
			if err == nil {
				_, err = tx.CopyFrom(ctx, pgx.Identifier{"bare", "i"}, []string{"comp", "type", "param", "val", "id"}, pgx.CopyFromRows(index))
			}
			return err
		})
	})
	if f.Failed > 0 {
		return 0, errors.New("bare PostgreSQL by COPY: " + f.First)
	}
	return f.unitRate(), nil
}
