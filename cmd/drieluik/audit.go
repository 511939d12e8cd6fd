package main

import (
	"context"
	"fmt"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the hash chain of the log; prints the first break."`
}

type auditVerifyCmd struct{ storeFlags }

// Help shows an example.
func (auditVerifyCmd) Help() string {
	return "Example:\n  drieluik audit verify --store sqlite:/var/lib/drieluik"
}

// Run walks every chain.
func (c auditVerifyCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "audit verify"})
	if err != nil {
		return err
	}
	v := out.Verification
	if v.Break != nil {
		return fmt.Errorf("the log is broken: compartment %s, row %d: %s", v.Break.Compartment, v.Break.Seq, v.Break.Kind)
	}
	_, err = fmt.Fprintf(s.out, "%d rows, %d chains, ok\n", v.Rows, v.Chains)
	return err
}
