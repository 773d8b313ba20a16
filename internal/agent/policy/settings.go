package policy

import (
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// Settings are effective values by URI, each with its source and the reason for it.
type Settings map[string]device.Setting

// On reports whether a setting is on.
func (s Settings) On(uri string) bool { return s[uri].Value.Int() == 1 }

// Effective returns s in the form that package devicepolicy's readers take.
func (s Settings) Effective() devicepolicy.Effective {
	out := devicepolicy.Effective{}
	for uri, one := range s {
		out[uri] = devicepolicy.Outcome{
			Value: one.Value, Source: one.Source, Reason: one.Reason, Idle: one.Idle,
			Policy: devicepolicy.Cause{PolicyID: one.PolicyID, PolicyName: one.PolicyName, Value: one.Value},
		}
	}
	return out
}

// apply takes local values where policy leaves a setting open. Where it does not, and the
// values differ, the reason says so.
func (s Settings) apply(local map[string]devicepolicy.Value) {
	for uri, v := range local {
		one, known := s[uri]
		switch {
		case !known || one.Value.Equal(v):
		case open(one):
			one.Value, one.Source, one.Reason = v, devicepolicy.FromLocal, devicepolicy.SetLocally
			s[uri] = one
		default:
			one.Reason = devicepolicy.ManagedOverrule
			s[uri] = one
		}
	}
}

// open reports whether nobody set a setting, nor anything from which it follows.
func open(one device.Setting) bool {
	return one.Source == devicepolicy.FromDefault && (one.Reason == devicepolicy.NothingSet || one.Reason == devicepolicy.JoinedDevice)
}

// careful is what holds while no policy is known.
func careful() Settings {
	out := Settings{}
	for _, s := range devicepolicy.Catalog() {
		out[s.URI] = device.Setting{Value: s.Default, Source: devicepolicy.FromDefault, Reason: devicepolicy.NothingSet}
	}
	for uri, v := range map[string]devicepolicy.Value{
		devicepolicy.EnableWebSignIn: devicepolicy.IntValue(1), devicepolicy.OfflineDays: devicepolicy.IntValue(0),
		devicepolicy.SoftwareOffline: devicepolicy.BoolValue(false),
	} {
		one := out[uri]
		one.Value = v
		out[uri] = one
	}
	return out
}

// CheckLocal returns the values among raw that are ones of the catalog, under the catalog's
// names, and what is wrong with the others.
func CheckLocal(raw map[string]devicepolicy.Value, tenant string) (map[string]devicepolicy.Value, []error) {
	out, wrong := map[string]devicepolicy.Value{}, []error(nil)
	for uri, v := range raw {
		s, err := devicepolicy.Find(uri, tenant)
		if err == nil {
			err = s.Check(v)
		}
		if err != nil {
			wrong = append(wrong, &Wrong{uri, err})
			continue
		}
		out[s.URI] = v
	}
	return out, wrong
}

// Wrong is a local value that can't count.
type Wrong struct {
	URI string
	Err error
}

// Error names the setting.
func (w *Wrong) Error() string { return w.URI + ": " + w.Err.Error() }

// Unwrap returns the cause.
func (w *Wrong) Unwrap() error { return w.Err }
