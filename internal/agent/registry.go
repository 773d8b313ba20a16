package agent

import (
	"encoding/json"

	"github.com/postern-id/postern/internal/devicepolicy"
)

// RegistryKey is where the owner of a Windows machine sets what no policy sets, below
// HKEY_LOCAL_MACHINE: one value a setting, named by its URI.
const RegistryKey = `SOFTWARE\Postern\Policy`

// fromRegistry makes a value of the registry one of the catalog's type for uri: a DWORD or
// QWORD is an integer or a truth, SZ a text, MULTI_SZ a list. What fits no setting stays as it
// is, and is reported like other wrong ones.
func fromRegistry(uri, tenant string, data any) (devicepolicy.Value, error) {
	if n, ok := data.(uint64); ok {
		if s, err := devicepolicy.Find(uri, tenant); err == nil && s.Type == devicepolicy.Bool && n <= 1 {
			return devicepolicy.BoolValue(n == 1), nil
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return devicepolicy.Value{}, err
	}
	var v devicepolicy.Value
	err = json.Unmarshal(text, &v)
	return v, err
}
