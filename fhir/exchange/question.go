package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// message follows the question back of a receiver, and the sender's answer to it (mks.md 7.13).
func (f *following) message(w *Write) error {
	r, err := treeOf(written(w))
	if err != nil || r == nil || f.p.Organization.IsZero() {
		return err
	}
	if err := f.answer(r); err != nil {
		return err
	}
	if w.Ref.Version > 1 || !workflow.IsQuestion(r) {
		return nil
	}
	ref, issues := workflow.About(r)
	if issues != nil {
		f.refuse(nil, issues)
		return nil
	}
	document, err := f.known.Read(ref)
	if err != nil || document == nil || !slices.Contains(w.Facts.Patients, patientIn(document.Resource)) {
		return err
	}
	receives, err := f.receives(document, w.Facts.Patients[0])
	if err != nil || !receives {
		return err
	}
	task, err := workflow.Question(document, r, f.p.Organization, f.w.now)
	if err != nil || task == nil {
		return err
	}
	return f.write(workflow.RuleQuestion, task, f.p.Organization)
}

func patientIn(r *fhir.Resource) fhir.Ref {
	ref, _ := fhir.ParseRef(r.Root().At("subject", "reference").Text())
	return ref.Current()
}

// receives reports whether the organisation is the receiver of a transfer of the document, by a Task of who
// keeps that. Who is not gets the same answer, and no Task.
func (f *following) receives(document *mapping.Found, patient fhir.Ref) (bool, error) {
	tasks, err := f.w.heads(f.v, patient.ID, "Task")
	if err != nil {
		return false, unavailable("exchange.rules", "policy-unavailable", err)
	}
	for _, task := range tasks {
		if !isTransfer(&task) || task.Custodian != document.Custodian || !slices.Contains(task.Up, document.Resource.Ref()) {
			continue
		}
		if acts, err := f.actsFor(auth.Principal{Organization: f.p.Organization}, task.Owner); err != nil || acts {
			return acts, err
		}
	}
	return false, nil
}

// answer completes the Tasks of the questions that a Communication of their owner answers.
func (f *following) answer(r *fhir.Resource) error {
	for _, question := range workflow.Asked(r) {
		patient, _ := fhir.ParseRef(r.Root().At("subject", "reference").Text())
		prior, err := f.stored(workflow.TaskOf(patient.Current(), question))
		if err != nil {
			return err
		}
		if prior == nil || prior.Deleted {
			continue
		}
		owns, err := f.actsFor(f.p, prior.Facts.Owner)
		if err != nil {
			return err
		}
		if !owns {
			continue
		}
		asked, err := tree(*prior)
		if err != nil {
			return err
		}
		task, err := workflow.Answered(asked, r)
		if err != nil {
			return err
		}
		if task == asked {
			continue
		}
		if err := f.write(workflow.RuleQuestion, task, fhir.Ref{}); err != nil {
			return err
		}
	}
	return nil
}
