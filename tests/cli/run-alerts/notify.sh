echo "its output is not pressrun's: $#"
printf '%s\n' "$1" > argument
cat > got.json
