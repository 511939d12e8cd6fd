package main

import (
	"context"
	"fmt"
	"text/tabwriter"
)

type emergencyCmd struct {
	Enable  emergencyEnableCmd  `cmd:"" help:"Let the professionals of an organisation open records in an emergency."`
	Disable emergencyDisableCmd `cmd:"" help:"No longer; what they opened closes on the next request."`
	List    emergencyListCmd    `cmd:"" help:"List the organisations that may."`
}

// emergencyOrg names an organisation.
type emergencyOrg struct {
	Org string `arg:"" help:"Identifier of the organisation: SYSTEM|VALUE, or a URA number."`
}

type emergencyEnableCmd struct {
	storeFlags
	emergencyOrg
	OrgName string `help:"Name of the organisation; left out: kept."`
}

// Help shows an example.
func (emergencyEnableCmd) Help() string {
	return "An app needs it too: client add --purpose BTG.\n\nExample:\n  drieluik emergency enable 90000002"
}

// Run registers an organisation.
func (c emergencyEnableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "emergency enable", Organization: organizationIdentifier(c.Org), OrganizationName: c.OrgName})
	return err
}

type emergencyDisableCmd struct {
	storeFlags
	emergencyOrg
}

// Run takes an organisation off the list.
func (c emergencyDisableCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "emergency disable", Organization: organizationIdentifier(c.Org)})
	return err
}

type emergencyListCmd struct{ storeFlags }

// Run prints a line per organisation.
func (c emergencyListCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "emergency list"})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ORGANISATION\tSINCE\tNAME")
	for _, e := range out.Emergencies {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.Identifier, e.Since.Format("2006-01-02"), e.Name)
	}
	return w.Flush()
}
