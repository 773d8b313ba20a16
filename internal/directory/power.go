package directory

// Power says how much power somebody has, as far as it matters who may help them back in.
type Power int

// The powers, the least first.
const (
	PowerUnknown Power = iota
	PowerNone          // no role
	PowerSome          // roles that those who help everybody reach
	PowerGreat         // reached by none but the strongest roles
)

// Power returns how much power a person has.
func (t Target) Power() Power {
	switch {
	case !AuthenticationAdministrator.Reaches(t):
		return PowerGreat
	case len(t.Roles) > 0:
		return PowerSome
	}
	return PowerNone
}
