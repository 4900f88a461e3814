EMBEDDED_ENGINE = __name__  # the name of the backend in DATABASES
