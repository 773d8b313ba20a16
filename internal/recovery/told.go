package recovery

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// Who else is told by mail when a pass is issued in a case, beside the person: one of these, or an address.
const (
	TellManager        = "manager"
	TellAdministrators = "globalAdministrators"
)

// mostTold bounds how many addresses of a class are told.
const mostTold = 5

// ToldOf are who else is told of a pass for people of a class.
func (p Policy) ToldOf(class Class) []string {
	for _, r := range p.Rules {
		if r.Class == class {
			return r.Told
		}
	}
	return nil
}

func (r Rule) checkTold() error {
	addresses := 0
	for i, to := range r.Told {
		if slices.Contains(r.Told[:i], to) {
			return ErrPolicy.With("rules", "alsoTold names everybody once.")
		}
		if to == TellManager || to == TellAdministrators {
			continue
		}
		addresses++
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to || len(to) > 254 || strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return ErrPolicy.With("rules", fmt.Sprintf("alsoTold holds %s, %s and mail addresses; %.60q is none of these.", TellManager, TellAdministrators, to))
		}
	}
	if addresses > mostTold {
		return ErrPolicy.With("rules", fmt.Sprintf("alsoTold holds %d addresses at most.", mostTold))
	}
	return nil
}
