# Waits until somebody opens the gate.
cat gate -
